# A machine of the lab: the shape of any module for machines that have no provider plugin. terraform_data is built in; the
# machine itself is made and removed by a program beside this file.
variable "name" { type = string }
variable "address" { type = string }
variable "pool" { type = string }
variable "operation" { type = string }
variable "lab" {
  description = "The lab's name."
  type        = string
}
variable "folder" {
  description = "The lab's folder."
  type        = string
}

resource "terraform_data" "machine" {
  input = "${var.lab}/${var.name}"

  provisioner "local-exec" {
    command = "${path.module}/machine.py add ${self.output}"
  }

  provisioner "local-exec" {
    when    = destroy
    command = "${path.module}/machine.py remove ${self.output == null ? self.id : self.output}"
  }
}

locals {
  # Read when the machine is there: the id is not known before.
  machine = jsondecode(file("${var.folder}/lab.json${terraform_data.machine.id == "" ? "?" : ""}")).machines[var.name]
}

output "provider_id" { value = "lab:///${var.lab}/${var.name}" }
output "address" { value = "10.77.0.${local.machine.index}" }
