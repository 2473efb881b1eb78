output "provider_id" {
  description = "What the Node's spec.providerID will be."
  value       = "libvirt:///${libvirt_domain.worker.name}"
}

output "address" {
  description = "The address that it got."
  value       = libvirt_domain.worker.network_interface[0].addresses[0]
}
