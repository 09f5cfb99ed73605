# The pipelines have no keys: GitHub says who runs (repository and environment), AWS gives a role for an hour.
# An environment decides which branches may use it, and who must agree: `plan` any branch, `prod` main after a review.
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  roles = { plan = "plan", apply = "prod" } # role → GitHub environment
}

data "aws_iam_policy_document" "trust" {
  for_each = local.roles
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["repo:${module.facts.repository}:environment:${each.value}"]
    }
  }
}

resource "aws_iam_role" "pipeline" {
  for_each             = local.roles
  name                 = "${local.prefix}-${each.key}"
  description          = "Terraform's ${each.key} in environment ${each.value} of ${module.facts.repository}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 3600 * (each.key == "apply" ? 2 : 1) # seconds; an apply takes longer than a plan
  permissions_boundary = each.key == "apply" ? aws_iam_policy.boundary.arn : null
}

# plan: reads everything but secrets' values, and of S3's objects only the state; writes the saved plan and the lock.
resource "aws_iam_role_policy_attachment" "plan_reads" {
  role       = aws_iam_role.pipeline["plan"].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  name   = "${local.prefix}-plan"
  role   = aws_iam_role.pipeline["plan"].id
  policy = data.aws_iam_policy_document.plan.json
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid    = "NoSecretsValue"
    effect = "Deny"
    actions = [
      "secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "ssm:GetParameter*",
      "rds-data:*", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "sqs:ReceiveMessage",
    ]
    resources = ["*"]
  }
  statement {
    sid           = "NoObjectsButTheState"
    effect        = "Deny"
    actions       = ["s3:GetObject*"]
    not_resources = [for bucket in module.bucket : "${bucket.arn}/*"]
  }
  statement {
    sid       = "LocksAndPlans"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${module.bucket["state"].arn}/*.tflock", "${module.bucket["plans"].arn}/*"]
  }
  statement {
    sid       = "TheStatesKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.key.arn]
  }
}

# apply: an administrator within the boundary.
resource "aws_iam_role_policy_attachment" "apply" {
  role       = aws_iam_role.pipeline["apply"].name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

# What Terraform, and every role that it makes, can never do: leave the boundary, make users and keys, switch off the records,
# or touch what this root makes.
resource "aws_iam_policy" "boundary" {
  name   = module.facts.boundary
  policy = data.aws_iam_policy_document.boundary.json
}

locals {
  boundary = "arn:aws:iam::${local.account}:policy/${module.facts.boundary}"
}

data "aws_iam_policy_document" "boundary" {
  statement {
    sid       = "EverythingElse"
    actions   = ["*"]
    resources = ["*"]
  }
  statement {
    sid       = "NewRolesAreBounded"
    effect    = "Deny"
    actions   = ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:PutRolePolicy"]
    resources = ["*"]
    condition {
      test     = "StringNotEquals"
      variable = "iam:PermissionsBoundary"
      values   = [local.boundary]
    }
  }
  statement {
    sid    = "TheBoundaryStays"
    effect = "Deny"
    actions = [
      "iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
      "iam:SetDefaultPolicyVersion",
    ]
    resources = [local.boundary]
  }
  statement {
    sid    = "ThePipelinesStay"
    effect = "Deny"
    actions = [
      "iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:DetachRolePolicy",
      "iam:DeleteRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary",
    ]
    resources = [for role in keys(local.roles) : "arn:aws:iam::${local.account}:role/${local.prefix}-${role}"]
  }
  statement {
    sid    = "NoUsersNoKeys"
    effect = "Deny"
    actions = [
      "iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:*OpenIDConnectProvider*", "iam:*SAMLProvider",
    ]
    resources = ["*"]
  }
  statement {
    sid       = "TheStateStays"
    effect    = "Deny"
    actions   = ["s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration"]
    resources = [for bucket in module.bucket : bucket.arn]
  }
  statement {
    sid       = "TheRecordsStay"
    effect    = "Deny"
    actions   = ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "organizations:LeaveOrganization", "account:CloseAccount"]
    resources = ["*"]
  }
}
