resource "aws_organizations_organization" "this" {
  feature_set          = "ALL"
  enabled_policy_types = ["SERVICE_CONTROL_POLICY", "TAG_POLICY"]
  aws_service_access_principals = [
    "cloudtrail.amazonaws.com", "config.amazonaws.com", "guardduty.amazonaws.com", "securityhub.amazonaws.com", "sso.amazonaws.com",
    "access-analyzer.amazonaws.com", "backup.amazonaws.com",
  ]
}

locals {
  units = toset(["security", "infrastructure", "workloads"])
  accounts = { # account → unit
    security    = "security"
    log-archive = "security"
    network     = "infrastructure"
    development = "workloads"
    production  = "workloads"
  }
}

resource "aws_organizations_organizational_unit" "this" {
  for_each  = local.units
  name      = each.value
  parent_id = aws_organizations_organization.this.roots[0].id
}

resource "aws_organizations_account" "this" {
  for_each          = local.accounts
  name              = "${local.prefix}-${each.key}"
  email             = "aws-${each.key}@${module.facts.platform.domains.prod}"
  parent_id         = aws_organizations_organizational_unit.this[each.value].id
  role_name         = "OrganizationAccountAccessRole"
  close_on_deletion = false # taken out of the code, it goes on

  lifecycle {
    ignore_changes = [role_name] # AWS does not tell it back
  }
}

resource "aws_organizations_policy" "this" {
  for_each    = local.policies
  name        = "${local.prefix}-${each.key}"
  description = each.value.description
  type        = "SERVICE_CONTROL_POLICY"
  content     = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}

resource "aws_organizations_policy_attachment" "this" {
  for_each  = { for pair in setproduct(keys(local.policies), local.units) : "${pair[0]}-${pair[1]}" => pair }
  policy_id = aws_organizations_policy.this[each.value[0]].id
  target_id = aws_organizations_organizational_unit.this[each.value[1]].id
}
