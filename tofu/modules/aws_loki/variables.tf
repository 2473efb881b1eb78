variable "bucket" {
  description = "Name of the bucket."
  type        = string
}

variable "retention_days" {
  description = "After this many days objects are removed, whatever Loki's compactor did. Not less than loki_retention."
  type        = number
  default     = 7

  validation {
    condition     = var.retention_days >= 1
    error_message = "Objects live a day at least."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the bucket; S3's own encryption (AES256) when empty."
  type        = string
  default     = null
}

variable "cluster_name" {
  description = "Name of the EKS cluster."
  type        = string
}

variable "oidc_provider_arn" {
  description = "ARN of the cluster's OIDC provider in IAM."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/.+", var.oidc_provider_arn))
    error_message = "It looks like arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123."
  }
}

variable "namespace" {
  description = "Namespace of Loki, as loki_namespace."
  type        = string
  default     = "logging"
}

variable "service_account" {
  description = "Loki's service account."
  type        = string
  default     = "loki"
}

variable "node_role_arn" {
  description = "IAM role of the nodes."
  type        = string
}

variable "subnet_ids" {
  description = "Where the nodes are placed."
  type        = list(string)
}

variable "instance_types" {
  description = "Types of the nodes."
  type        = list(string)
  default     = ["m6i.large"]
}

variable "nodes" {
  description = "How many nodes: min, max, and how many at the start."
  type        = object({ min = number, max = number, desired = number })
  default     = { min = 1, max = 3, desired = 2 }

  validation {
    condition     = var.nodes.min <= var.nodes.desired && var.nodes.desired <= var.nodes.max
    error_message = "It takes min <= desired <= max."
  }
}

variable "taint" {
  description = "Key and value of the taint and the label that keep these nodes for Loki."
  type        = object({ key = string, value = string })
  default     = { key = "dedicated", value = "logging" }
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
