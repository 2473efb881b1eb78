mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = { id = "example-logs", arn = "arn:aws:s3:::example-logs" }
  }
  mock_resource "aws_iam_role" {
    defaults = { id = "example-loki", arn = "arn:aws:iam::123456789012:role/example-loki" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
}

# The real plugin takes JSON alone for a policy.
override_data {
  target = data.aws_iam_policy_document.trust
  values = { json = "{\"Id\": \"trust\"}" }
}

override_data {
  target = data.aws_iam_policy_document.bucket
  values = { json = "{\"Id\": \"bucket\"}" }
}

override_data {
  target = data.aws_iam_policy_document.tls
  values = { json = "{\"Id\": \"tls\"}" }
}

variables {
  bucket            = "example-logs"
  cluster_name      = "example"
  oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123"
  node_role_arn     = "arn:aws:iam::123456789012:role/nodes"
  subnet_ids        = ["subnet-1", "subnet-2"]
  tags              = { team = "platform" }
}

run "gives_loki_nodes_of_its_own" {
  command = plan

  assert {
    condition     = [for taint in aws_eks_node_group.logs.taint : "${taint.key}=${taint.value}:${taint.effect}"] == ["dedicated=logging:NO_SCHEDULE"]
    error_message = "The taint keeps others off."
  }
  assert {
    condition     = aws_eks_node_group.logs.labels == tomap({ dedicated = "logging" })
    error_message = "The label draws Loki there."
  }
  assert {
    condition     = aws_eks_node_group.logs.scaling_config[0].min_size == 1 && aws_eks_node_group.logs.scaling_config[0].max_size == 3 && aws_eks_node_group.logs.scaling_config[0].desired_size == 2
    error_message = "There are as many as was said."
  }
}

run "keeps_logs_private_encrypted_and_for_seven_days" {
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.logs.block_public_acls,
      aws_s3_bucket_public_access_block.logs.block_public_policy,
      aws_s3_bucket_public_access_block.logs.ignore_public_acls,
      aws_s3_bucket_public_access_block.logs.restrict_public_buckets,
    ])
    error_message = "Nothing of it is public."
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "Without a key S3 encrypts by its own."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.logs.rule[0].status == "Enabled" && aws_s3_bucket_lifecycle_configuration.logs.rule[0].expiration[0].days == 7
    error_message = "Objects are gone after 7 days."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.logs.rule[0].filter[0].prefix == ""
    error_message = "That holds for all objects."
  }
  assert {
    condition     = data.aws_iam_policy_document.tls.statement[0].effect == "Deny" && one(data.aws_iam_policy_document.tls.statement[0].condition) == { test = "Bool", variable = "aws:SecureTransport", values = tolist(["false"]) }
    error_message = "What comes without TLS is refused."
  }
  assert {
    condition     = data.aws_iam_policy_document.tls.statement[0].resources == toset(["arn:aws:s3:::example-logs", "arn:aws:s3:::example-logs/*"])
    error_message = "The bucket and all in it."
  }
  assert {
    condition = alltrue([for bucket in [
      aws_s3_bucket_public_access_block.logs.bucket, aws_s3_bucket_server_side_encryption_configuration.logs.bucket,
      aws_s3_bucket_lifecycle_configuration.logs.bucket, aws_s3_bucket_policy.logs.bucket,
    ] : bucket == "example-logs"])
    error_message = "All of it holds for this bucket."
  }
  assert {
    condition     = aws_s3_bucket_policy.logs.policy == data.aws_iam_policy_document.tls.json
    error_message = "The policy is the bucket's."
  }
}

run "is_lokis_identity_alone" {
  assert {
    condition     = data.aws_iam_policy_document.trust.statement[0].actions == toset(["sts:AssumeRoleWithWebIdentity"]) && one(data.aws_iam_policy_document.trust.statement[0].principals) == { type = "Federated", identifiers = toset([var.oidc_provider_arn]) }
    error_message = "The cluster's OIDC provider vouches for it."
  }
  assert {
    condition = { for each in data.aws_iam_policy_document.trust.statement[0].condition : each.variable => "${each.test} ${join(",", each.values)}" } == {
      "oidc.eks.eu-west-1.amazonaws.com/id/0123:sub" = "StringEquals system:serviceaccount:logging:loki"
      "oidc.eks.eu-west-1.amazonaws.com/id/0123:aud" = "StringEquals sts.amazonaws.com"
    }
    error_message = "One service account, for STS."
  }
  assert {
    condition     = length(data.aws_iam_policy_document.trust.statement) == 1 && aws_iam_role.loki.assume_role_policy == data.aws_iam_policy_document.trust.json
    error_message = "Nobody else."
  }
  assert {
    condition     = toset(flatten([for each in data.aws_iam_policy_document.bucket.statement : each.resources])) == toset(["arn:aws:s3:::example-logs", "arn:aws:s3:::example-logs/*"])
    error_message = "It may touch this bucket alone."
  }
  assert {
    condition     = aws_iam_role_policy.bucket.role == "example-loki" && aws_iam_role_policy.bucket.policy == data.aws_iam_policy_document.bucket.json
    error_message = "What it may do is the role's."
  }
}

run "tags_all_that_takes_tags" {
  assert {
    condition     = alltrue([for tags in [aws_s3_bucket.logs.tags, aws_iam_role.loki.tags, aws_eks_node_group.logs.tags] : tags == tomap({ team = "platform" })])
    error_message = "Each has the user's tags."
  }
}

run "says_what_role_loki_needs" {
  assert {
    condition     = jsonencode(output.loki.loki_storage) == jsonencode({ type = "s3", bucket = "example-logs", region = "eu-west-1" })
    error_message = "Where the logs go."
  }
  assert {
    condition     = output.loki.loki_service_account_annotations["eks.amazonaws.com/role-arn"] == "arn:aws:iam::123456789012:role/example-loki" && output.loki.loki_retention == "168h"
    error_message = "By which role, and for how long."
  }
  assert {
    condition     = output.loki.loki_node_selector["dedicated"] == "logging" && jsonencode(output.loki.loki_tolerations) == jsonencode([{ effect = "NoSchedule", key = "dedicated", operator = "Equal", value = "logging" }])
    error_message = "It wants and tolerates its nodes."
  }
}

run "uses_the_key_that_is_given" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0123"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).bucket_key_enabled && one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    error_message = "The bucket is encrypted by it."
  }
  assert {
    condition     = [for each in data.aws_iam_policy_document.bucket.statement : each.resources if contains(each.actions, "kms:Decrypt")] == [toset([var.kms_key_arn])]
    error_message = "Loki may use it."
  }
}

run "refuses_what_cannot_be" {
  command = plan

  variables {
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/"
    retention_days    = 0
    nodes             = { min = 2, max = 3, desired = 1 }
  }

  expect_failures = [var.oidc_provider_arn, var.retention_days, var.nodes]
}
