data "aws_region" "here" {}

output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.logs.id
}

output "role_arn" {
  description = "The role of Loki's service account."
  value       = aws_iam_role.loki.arn
}

output "loki" {
  description = "Variables of role loki; write them into the inventory (tofu output -json loki)."
  value = {
    loki_storage = {
      type   = "s3"
      bucket = aws_s3_bucket.logs.id
      region = data.aws_region.here.name
    }
    loki_service_account_annotations = { "eks.amazonaws.com/role-arn" = aws_iam_role.loki.arn }
    loki_retention                   = "${var.retention_days * 24}h"
    loki_node_selector               = { (var.taint.key) = var.taint.value }
    loki_tolerations = [
      { key = var.taint.key, operator = "Equal", value = var.taint.value, effect = "NoSchedule" }
    ]
  }
}
