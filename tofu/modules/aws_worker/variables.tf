# Given by role machine_opentofu.
variable "name" {
  description = "The machine's name, which is that of its Node."
  type        = string
}

variable "address" {
  description = "Its private address; AWS gives one when empty."
  type        = string
}

variable "pool" {
  description = "The NodePool."
  type        = string
}

variable "operation" {
  description = "The operation that it is made for."
  type        = string
}

# With the trait joins: true; else role node joins it over SSH.
variable "join_endpoint" {
  description = "Address and port of the API server."
  type        = string
  default     = ""
}

variable "join_token" {
  description = "A bootstrap token, valid for minutes."
  type        = string
  default     = ""
  sensitive   = true
}

variable "join_ca_cert_hash" {
  description = "Hash of the cluster's CA."
  type        = string
  default     = ""
}

# Of the pool: provider.variables.variables.
variable "image_id" {
  description = "An AMI with what role node installs, or, without joins: true, any Debian, Ubuntu or RHEL-like one."
  type        = string
}

variable "instance_type" {
  description = "Like m5.large."
  type        = string
  default     = "m5.large"
}

variable "subnet_id" {
  description = "Where it is placed; decides the zone."
  type        = string
}

variable "security_group_ids" {
  description = "Its security groups; those of the VPC's default when empty."
  type        = list(string)
  default     = []
}

variable "instance_profile" {
  description = "IAM instance profile, for the cloud provider and for pulling images."
  type        = string
  default     = null
}

variable "key_name" {
  description = "The EC2 key pair by which the controller logs in."
  type        = string
  default     = null
}

variable "root_volume_gib" {
  description = "Size of the root volume."
  type        = number
  default     = 50

  validation {
    condition     = var.root_volume_gib >= 20
    error_message = "A node with images and logs needs 20 GiB at least."
  }
}

variable "kms_key_id" {
  description = "KMS key of the root volume; that of the account when empty."
  type        = string
  default     = null
}

variable "tags" {
  description = "More tags."
  type        = map(string)
  default     = {}
}
