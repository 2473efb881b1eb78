# What exists of a machine's name, whatever any state says.

variable "name" {
  description = "The machine."
  type        = string
}

variable "pool" {
  description = "The NodePool."
  type        = string
}

variable "variables" {
  description = "Those of the pool."
  type        = any
}

data "aws_instances" "machine" {
  instance_tags = {
    "platform.ops/pool"    = var.pool
    "platform.ops/machine" = var.name
  }
  instance_state_names = ["pending", "running", "stopping", "stopped"]
}

output "found" {
  description = "Resource of the module above -> id."
  value       = { for id in data.aws_instances.machine.ids : "aws_instance.worker" => id }
}
