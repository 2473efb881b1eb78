# Given by role machine_opentofu.
variable "name" {
  description = "The machine's name, which is that of its Node."
  type        = string
}

variable "address" {
  description = "Its address in the network; DHCP gives one when empty."
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

# Of the pool: provider.variables.variables. The connection is LIBVIRT_DEFAULT_URI of the environment.
variable "base_image" {
  description = "A cloud image with cloud-init, as a path or an address that the host of OpenTofu can read."
  type        = string
}

variable "storage_pool" {
  description = "The libvirt pool that keeps the disks."
  type        = string
  default     = "default"
}

variable "network" {
  description = "The libvirt network; it gives addresses by DHCP."
  type        = string
  default     = "default"
}

variable "vcpu" {
  description = "Virtual CPUs."
  type        = number
  default     = 2
}

variable "memory_mib" {
  description = "Memory."
  type        = number
  default     = 4096
}

variable "disk_gib" {
  description = "Size of the disk; not less than the image's."
  type        = number
  default     = 40
}

variable "user" {
  description = "Who logs in over SSH, with sudo."
  type        = string
  default     = "ops"
}

variable "authorized_key" {
  description = "The public key by which the controller logs in."
  type        = string
}
