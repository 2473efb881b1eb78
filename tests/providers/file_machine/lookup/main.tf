variable "name" { type = string }
variable "pool" { type = string }
variable "variables" { type = any }

output "found" {
  value = { for file in fileset(var.variables.folder, var.name) : "terraform_data.machine" => "${var.variables.folder}/${file}" }
}
