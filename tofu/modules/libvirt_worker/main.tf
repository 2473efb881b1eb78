# One worker as a libvirt domain. Role node makes it a Node over SSH.

# The plugin takes no size beside a source, so the image is a volume and the disk another that lies over it.
resource "libvirt_volume" "image" {
  name   = "${var.name}-image.qcow2"
  pool   = var.storage_pool
  source = var.base_image
  format = "qcow2"

  lifecycle {
    ignore_changes = [source] # a newer image is for machines to come
  }
}

resource "libvirt_volume" "disk" {
  name           = "${var.name}.qcow2"
  pool           = var.storage_pool
  base_volume_id = libvirt_volume.image.id
  size           = var.disk_gib * 1024 * 1024 * 1024
  format         = "qcow2"
}

resource "libvirt_cloudinit_disk" "seed" {
  name = "${var.name}-seed.iso"
  pool = var.storage_pool
  user_data = join("\n", ["#cloud-config", yamlencode({
    hostname          = var.name
    preserve_hostname = false
    ssh_pwauth        = false
    growpart          = { mode = "auto", devices = ["/"] }
    users = [{
      name                = var.user
      shell               = "/bin/bash"
      sudo                = "ALL=(ALL) NOPASSWD:ALL"
      lock_passwd         = true
      ssh_authorized_keys = [var.authorized_key]
    }]
  })])
}

resource "libvirt_domain" "worker" {
  name        = var.name
  description = "platform.ops pool ${var.pool}, operation ${var.operation}"
  vcpu        = var.vcpu
  memory      = var.memory_mib
  autostart   = true
  cloudinit   = libvirt_cloudinit_disk.seed.id

  disk {
    volume_id = libvirt_volume.disk.id
  }

  network_interface {
    network_name   = var.network
    hostname       = var.name
    addresses      = var.address == "" ? null : [var.address]
    wait_for_lease = true
  }

  console {
    type        = "pty"
    target_type = "serial"
    target_port = "0"
  }

  lifecycle {
    ignore_changes = [description]
  }
}
