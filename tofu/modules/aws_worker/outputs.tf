output "provider_id" {
  description = "What the Node's spec.providerID will be."
  value       = "aws:///${aws_instance.worker.availability_zone}/${aws_instance.worker.id}"
}

output "address" {
  description = "The address that it got."
  value       = aws_instance.worker.private_ip
}
