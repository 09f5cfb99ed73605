# Identity Center: people of the organisation take a permission set for some hours. That MFA is asked at every sign-in is a setting without a
# Terraform resource: the runbook says where a person sets it.
data "aws_ssoadmin_instances" "this" {}

locals {
  instance = data.aws_ssoadmin_instances.this.arns[0]
  sets = {
    for group in module.facts.groups : group => {
      hours  = contains(["platform-admin", "operator"], group) ? 4 : 8
      policy = group == "auditor" ? "SecurityAudit" : "ReadOnlyAccess"
    }
  }
}

resource "aws_ssoadmin_permission_set" "this" {
  for_each         = local.sets
  name             = "${local.prefix}-${each.key}"
  description      = "People who are ${each.key}s"
  instance_arn     = local.instance
  session_duration = "PT${each.value.hours}H"
}

resource "aws_ssoadmin_managed_policy_attachment" "this" {
  for_each           = local.sets
  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.this[each.key].arn
  managed_policy_arn = "arn:aws:iam::aws:policy/${each.value.policy}"
}

data "aws_iam_policy_document" "session" {
  statement {
    sid       = "NoValues"
    effect    = "Deny"
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "ssm:GetParameter*", "s3:GetObject*", "rds-data:*"]
    resources = ["*"]
  }
}

resource "aws_ssoadmin_permission_set_inline_policy" "this" {
  for_each           = local.sets
  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.this[each.key].arn
  inline_policy      = data.aws_iam_policy_document.session.json
}
