# People: no user has a right of its own but to set up MFA; whoever works takes a role, and a role asks for MFA. Identity Center (org root) takes
# the place of users where there is an organisation.
resource "aws_iam_account_password_policy" "this" {
  minimum_password_length        = 16
  require_lowercase_characters   = true
  require_uppercase_characters   = true
  require_numbers                = true
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90 # days
  password_reuse_prevention      = 24
}

data "aws_iam_policy_document" "mfa" {
  statement {
    sid       = "TakeARole"
    actions   = ["sts:AssumeRole"]
    resources = [for role in aws_iam_role.people : role.arn]
  }
  statement {
    sid = "SetUpMfa"
    actions = [
      "iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ResyncMFADevice",
      "iam:ChangePassword", "iam:GetUser", "iam:GetAccountPasswordPolicy",
    ]
    resources = ["*"]
  }
  statement {
    sid    = "NothingElseWithoutMfa"
    effect = "Deny"
    not_actions = [
      "iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ResyncMFADevice",
      "iam:ChangePassword", "iam:GetUser", "iam:GetAccountPasswordPolicy", "sts:GetSessionToken",
    ]
    resources = ["*"]
    condition {
      test     = "BoolIfExists"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["false"]
    }
  }
}

resource "aws_iam_group" "people" {
  name = "${local.prefix}-people"
}

resource "aws_iam_group_policy" "people" {
  name   = "${local.prefix}-mfa"
  group  = aws_iam_group.people.name
  policy = data.aws_iam_policy_document.mfa.json
}

locals {
  # AWS's own policies beside the right to the clusters; changes go through the pipeline, so nobody but break-glass has more.
  roles = merge({ for group in module.facts.groups : group => "ReadOnlyAccess" }, { break-glass = "AdministratorAccess" })
}

data "aws_iam_policy_document" "with_mfa" {
  for_each = local.roles
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["true"]
    }
    condition {
      test     = "NumericLessThan"
      variable = "aws:MultiFactorAuthAge"
      values   = [each.key == "break-glass" ? "300" : "28800"] # seconds since the code was typed
    }
    condition { # the session's name stands in every record, of AWS and of the clusters: it must be the person's
      test     = "StringEquals"
      variable = "sts:RoleSessionName"
      values   = ["$${aws:username}"]
    }
  }
}

resource "aws_iam_role" "people" {
  for_each             = local.roles
  name                 = "${local.prefix}-${each.key}"
  description          = each.key == "break-glass" ? "When the pipelines cannot help; its use rings" : "People who are ${each.key}s"
  assume_role_policy   = data.aws_iam_policy_document.with_mfa[each.key].json
  max_session_duration = 3600 # seconds; AWS takes no shorter one
  permissions_boundary = "arn:aws:iam::${local.account}:policy/${module.facts.boundary}"
}

resource "aws_iam_role_policy_attachment" "people" {
  for_each   = local.roles
  role       = aws_iam_role.people[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}

# Reading everything does not mean reading secrets.
data "aws_iam_policy_document" "no_values" {
  statement {
    effect    = "Deny"
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "ssm:GetParameter*", "s3:GetObject*", "rds-data:*"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "no_values" {
  for_each = module.facts.groups
  name     = "${local.prefix}-no-values"
  role     = aws_iam_role.people[each.key].id
  policy   = data.aws_iam_policy_document.no_values.json
}
