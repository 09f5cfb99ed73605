output "name_servers" {
  description = "What the domain's registrar must name."
  value       = aws_route53_zone.this.name_servers
}

output "distribution" {
  description = "Id of the CloudFront distribution."
  value       = aws_cloudfront_distribution.this.id
}

output "addresses" {
  description = "Global Accelerator's two addresses."
  value       = flatten(aws_globalaccelerator_accelerator.this.ip_sets[*].ip_addresses)
}
