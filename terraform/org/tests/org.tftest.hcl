mock_provider "aws" {
  source = "../mocks"
}

override_resource {
  target = aws_organizations_organization.this
  values = { roots = [{ id = "r-mock1" }] }
}

run "organisation" {
  assert {
    condition     = length(aws_organizations_policy_attachment.this) == length(local.policies) * length(local.units)
    error_message = "Every policy holds in every unit."
  }
  assert {
    condition     = toset(local.policies.regions.statements[0].Condition.StringNotEquals["aws:RequestedRegion"]) == toset(local.regions)
    error_message = "Nothing but the clusters' regions and CloudFront's."
  }
}
