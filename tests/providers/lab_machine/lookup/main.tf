variable "name" { type = string }
variable "pool" { type = string }
variable "variables" { type = any }

locals {
  machines = try(jsondecode(file("${var.variables.folder}/lab.json")).machines, {})
}

output "found" {
  value = contains(keys(local.machines), var.name) ? { "terraform_data.machine" = "${var.variables.lab}/${var.name}" } : {}
}
