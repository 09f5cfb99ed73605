mock_provider "aws" {
  source = "../mocks"
}

mock_provider "aws" {
  alias  = "peer"
  source = "../mocks"
}

mock_provider "aws" {
  alias  = "edge"
  source = "../mocks"
}

run "edge" {
  assert {
    condition     = toset([for group in aws_globalaccelerator_endpoint_group.this : group.endpoint_group_region]) == toset([for spec in values(module.facts.clusters) : spec.cloudRegion])
    error_message = "Every region is behind the accelerator."
  }
  assert {
    condition     = alltrue([for group in aws_globalaccelerator_endpoint_group.this : one(group.endpoint_configuration).client_ip_preservation_enabled])
    error_message = "The load balancer sees the client's address."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.web_acl_id == aws_wafv2_web_acl.this.arn
    error_message = "The firewall stands in front."
  }
}
