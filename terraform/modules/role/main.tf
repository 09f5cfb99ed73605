# A role for one principal, within the permissions boundary that the bootstrap root made.
terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

data "aws_caller_identity" "this" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = var.service == "pods.eks.amazonaws.com" ? ["sts:AssumeRole", "sts:TagSession"] : var.actions
    principals {
      type        = "Service"
      identifiers = [var.service]
    }
    dynamic "condition" {
      for_each = var.same_account ? [data.aws_caller_identity.this.account_id] : []
      content {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = var.description
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = "arn:aws:iam::${data.aws_caller_identity.this.account_id}:policy/${var.boundary}"
}

resource "aws_iam_role_policy" "this" {
  for_each = var.policies
  name     = "${var.name}-${each.key}"
  role     = aws_iam_role.this.id
  policy   = each.value
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each   = toset(var.managed)
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}
