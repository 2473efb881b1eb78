terraform {
  required_version = ">= 1.6"
  required_providers {
    libvirt = {
      source = "dmacvicar/libvirt"
      # 0.9 describes domains in other words.
      version = "~> 0.8.3"
    }
  }
}
