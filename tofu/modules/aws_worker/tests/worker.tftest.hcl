mock_provider "aws" {
  mock_resource "aws_instance" {
    defaults = {
      id                = "i-0123"
      availability_zone = "eu-west-1a"
    }
  }
}

variables {
  name               = "workers-7"
  address            = "10.0.0.17"
  pool               = "workers"
  operation          = "3f9c0e1d2b4a"
  image_id           = "ami-0123"
  subnet_id          = "subnet-0123"
  security_group_ids = ["sg-1", "sg-2"]
  tags               = { team = "platform", "platform.ops/pool" = "another" }
}

run "is_private_encrypted_and_tagged" {
  command = plan

  assert {
    condition     = aws_instance.worker.private_ip == "10.0.0.17" && !aws_instance.worker.associate_public_ip_address
    error_message = "It gets the reserved address and no public one."
  }
  assert {
    condition     = aws_instance.worker.root_block_device[0].encrypted && aws_instance.worker.root_block_device[0].delete_on_termination
    error_message = "Its disk is encrypted and goes with it."
  }
  assert {
    condition     = aws_instance.worker.metadata_options[0].http_tokens == "required" && aws_instance.worker.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Its metadata answer sessions alone, and no pod."
  }
  assert {
    condition = aws_instance.worker.tags == tomap({
      team                     = "platform"
      Name                     = "workers-7"
      "platform.ops/pool"      = "workers"
      "platform.ops/machine"   = "workers-7"
      "platform.ops/operation" = "3f9c0e1d2b4a"
    })
    error_message = "Its tags are the user's and ours, and ours win."
  }
  assert {
    condition     = aws_instance.worker.volume_tags == aws_instance.worker.tags
    error_message = "Its disk has the same tags."
  }
  assert {
    condition     = aws_instance.worker.vpc_security_group_ids == toset(["sg-1", "sg-2"])
    error_message = "It is in the groups that were given."
  }
  assert {
    condition     = nonsensitive(local.user_data) == null
    error_message = "Without a token it does not join by itself."
  }
}

run "joins_by_cloud_init" {
  command = plan

  variables {
    join_endpoint     = "10.0.0.1:6443"
    join_token        = "abcdef.0123456789abcdef"
    join_ca_cert_hash = "sha256:0011"
  }

  assert {
    condition     = issensitive(aws_instance.worker.user_data)
    error_message = "What holds the token is kept out of what OpenTofu prints."
  }
  assert {
    condition     = startswith(nonsensitive(aws_instance.worker.user_data), "#cloud-config\n")
    error_message = "cloud-init knows its files by the first line."
  }
  assert {
    condition = alltrue([for text in [
      "apiServerEndpoint: \"10.0.0.1:6443\"", "token: \"abcdef.0123456789abcdef\"", "caCertHashes: [\"sha256:0011\"]",
      "name: \"workers-7\"", "taints: [{key: platform.ops/starting, effect: NoSchedule}]",
    ] : strcontains(yamldecode(nonsensitive(aws_instance.worker.user_data)).write_files[0].content, text)])
    error_message = "It joins this cluster, by this token, with the CA pinned and the startup taint on."
  }
  assert {
    condition     = yamldecode(nonsensitive(aws_instance.worker.user_data)).runcmd == [[yamldecode(nonsensitive(aws_instance.worker.user_data)).write_files[0].path]]
    error_message = "What is written is run."
  }
}

run "says_who_it_is" {
  variables {
    address = ""
  }

  override_resource {
    target = aws_instance.worker
    values = { id = "i-0123", availability_zone = "eu-west-1a", private_ip = "10.0.0.9" }
  }

  assert {
    condition     = output.provider_id == "aws:///eu-west-1a/i-0123"
    error_message = "The provider id is that of the cloud provider."
  }
  assert {
    condition     = output.address == "10.0.0.9"
    error_message = "Without an address it says which one it got."
  }
}

run "is_never_replaced_by_a_newer_image_token_or_operation" {
  command = plan

  variables {
    address    = ""
    image_id   = "ami-9999"
    operation  = "ffffffffffff"
    join_token = "abcdef.0123456789abcdef"
  }

  assert {
    condition     = aws_instance.worker.ami == "ami-0123" && aws_instance.worker.tags["platform.ops/operation"] == "3f9c0e1d2b4a"
    error_message = "Those are for machines to come."
  }
}

run "refuses_a_disk_too_small_for_images" {
  command = plan

  variables {
    root_volume_gib = 10
  }

  expect_failures = [var.root_volume_gib]
}
