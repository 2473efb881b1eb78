# One worker on EC2.

locals {
  tags = merge(var.tags, {
    Name                     = var.name
    "platform.ops/pool"      = var.pool
    "platform.ops/machine"   = var.name
    "platform.ops/operation" = var.operation
  })
  user_data = var.join_token == "" ? null : templatefile("${path.module}/join.yaml.tftpl", {
    name         = var.name
    endpoint     = var.join_endpoint
    token        = var.join_token
    ca_cert_hash = var.join_ca_cert_hash
  })
}

resource "aws_instance" "worker" {
  ami                         = var.image_id
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  private_ip                  = var.address == "" ? null : var.address
  vpc_security_group_ids      = length(var.security_group_ids) == 0 ? null : var.security_group_ids
  iam_instance_profile        = var.instance_profile
  key_name                    = var.key_name
  associate_public_ip_address = false
  user_data                   = local.user_data
  user_data_replace_on_change = false
  tags                        = local.tags
  volume_tags                 = local.tags

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # Pods reach the instance's credentials with a hop more; they have identities of their own.
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = var.root_volume_gib
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }

  lifecycle {
    # A newer image, token or operation is for machines to come, never a reason to replace this one.
    ignore_changes = [ami, user_data, tags["platform.ops/operation"], volume_tags["platform.ops/operation"]]
  }
}
