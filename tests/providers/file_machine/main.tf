# A machine that is a file: what tests do to OpenTofu takes seconds with it.
variable "name" { type = string }
variable "address" { type = string }
variable "pool" { type = string }
variable "operation" { type = string }
variable "folder" { type = string }
variable "sizes" {
  type    = list(number)
  default = []
}
variable "before" {
  description = "A command that runs before the file is made."
  type        = string
  default     = "true"
}
variable "afterwards" {
  description = "A command that runs after it."
  type        = string
  default     = "true"
}
variable "password" {
  type      = string
  sensitive = true
  default   = "none"
}

resource "terraform_data" "machine" {
  input = "${var.folder}/${var.name}"

  provisioner "local-exec" {
    environment = { PASSWORD = var.password }
    command     = "${var.before} && echo \"$PASSWORD\" | wc -c > ${var.folder}/${var.name} && ${var.afterwards}"
  }

  provisioner "local-exec" {
    when    = destroy
    command = "rm ${self.output == null ? self.id : self.output}"
  }
}

output "provider_id" { value = "file://${var.folder}/${var.name}" }
output "address" { value = var.address }
