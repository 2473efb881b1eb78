mock_provider "libvirt" {
  mock_resource "libvirt_volume" {
    defaults = { id = "/pool/a-volume" }
  }
}

variables {
  name           = "workers-7"
  address        = "10.0.0.17"
  pool           = "workers"
  operation      = "3f9c0e1d2b4a"
  base_image     = "/images/debian.qcow2"
  authorized_key = "ssh-ed25519 AAAA controller"
}

run "has_the_size_and_the_address_that_were_asked_for" {
  variables {
    disk_gib   = 30
    vcpu       = 4
    memory_mib = 8192
  }

  assert {
    condition     = libvirt_volume.disk.size == 32212254720 && libvirt_volume.disk.base_volume_id == libvirt_volume.image.id
    error_message = "The disk lies over the image and is as large as was said."
  }
  assert {
    condition     = libvirt_volume.disk.source == null && libvirt_volume.image.source == "/images/debian.qcow2"
    error_message = "The plugin refuses a size beside a source."
  }
  assert {
    condition     = libvirt_domain.worker.disk[0].volume_id == libvirt_volume.disk.id
    error_message = "It boots from the disk."
  }
  assert {
    condition     = libvirt_domain.worker.vcpu == 4 && libvirt_domain.worker.memory == 8192 && libvirt_domain.worker.autostart
    error_message = "It is as large as was said and comes back with its host."
  }
  assert {
    condition     = libvirt_domain.worker.description == "platform.ops pool workers, operation 3f9c0e1d2b4a"
    error_message = "libvirt has no tags; the description says whose it is."
  }
  assert {
    condition     = libvirt_domain.worker.network_interface[0].wait_for_lease && libvirt_domain.worker.network_interface[0].hostname == "workers-7"
    error_message = "It is ready when it has an address, under its name."
  }
  assert {
    condition     = output.address == "10.0.0.17" && output.provider_id == "libvirt:///workers-7"
    error_message = "It says who it is."
  }
}

run "lets_in_the_controller_alone" {
  command = plan

  assert {
    condition     = startswith(libvirt_cloudinit_disk.seed.user_data, "#cloud-config\n")
    error_message = "cloud-init knows its files by the first line."
  }
  assert {
    condition = yamldecode(libvirt_cloudinit_disk.seed.user_data).users == [{
      name                = "ops"
      shell               = "/bin/bash"
      sudo                = "ALL=(ALL) NOPASSWD:ALL"
      lock_passwd         = true
      ssh_authorized_keys = ["ssh-ed25519 AAAA controller"]
    }]
    error_message = "One user, by key."
  }
  assert {
    condition     = yamldecode(libvirt_cloudinit_disk.seed.user_data).ssh_pwauth == false
    error_message = "Nobody by password."
  }
  assert {
    condition     = yamldecode(libvirt_cloudinit_disk.seed.user_data).hostname == "workers-7"
    error_message = "Its name is that of its Node."
  }
}
