# Every action in the account, and every access to sensitive objects, is recorded in all regions, signed, and kept: at hand for a year,
# then in cold storage. With locks nobody can delete a record, not even the account's root.
module "key" {
  source      = "../modules/key"
  name        = "${local.prefix}-trail"
  description = "Records of the account"
  locks       = local.profile.locks
  services    = ["cloudtrail.amazonaws.com", "config.amazonaws.com", "cloudwatch.amazonaws.com"]
  logs_region = local.home.cloudRegion
}

locals {
  trail     = "${local.prefix}-trail"
  trail_arn = "arn:aws:cloudtrail:${local.home.cloudRegion}:${local.account}:trail/${local.trail}"
  archive   = "${local.prefix}-archive-${local.account}"
}

module "archive" {
  source          = "../modules/bucket"
  name            = local.archive
  locks           = local.profile.locks
  key_arn         = module.key.arn
  cold_after_days = min(module.facts.cloud.archive.hotDays, local.profile.auditDays - 1)
  expire_days     = local.profile.auditDays
  locked_days     = local.profile.locks ? local.profile.auditDays : 0
  policies        = [data.aws_iam_policy_document.archive.json]
}

data "aws_iam_policy_document" "archive" {
  statement {
    sid       = "TheTrailLooks"
    actions   = ["s3:GetBucketAcl"]
    resources = ["arn:aws:s3:::${local.archive}"]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
  statement {
    sid       = "TheTrailWrites"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${local.archive}/AWSLogs/${local.account}/*"]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
  statement {
    sid       = "ConfigWrites"
    actions   = ["s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"]
    resources = ["arn:aws:s3:::${local.archive}", "arn:aws:s3:::${local.archive}/config/*"]
    principals {
      type        = "Service"
      identifiers = ["config.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_cloudtrail" "this" {
  name                          = local.trail
  s3_bucket_name                = module.archive.name
  kms_key_id                    = module.key.arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail.arn}:*"
  cloud_watch_logs_role_arn     = module.trail_role.arn

  advanced_event_selector {
    name = "Every action"
    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }
  advanced_event_selector {
    name = "Every access to objects of the platform's buckets"
    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["arn:aws:s3:::${module.facts.platform.tags.application}-"]
    }
  }
}

resource "aws_cloudwatch_log_group" "trail" {
  name              = "/${local.prefix}/trail"
  retention_in_days = 365
  kms_key_id        = module.key.arn
}

module "trail_role" {
  source       = "../modules/role"
  name         = "${local.prefix}-trail"
  description  = "CloudTrail writes to its log group"
  service      = "cloudtrail.amazonaws.com"
  same_account = true
  boundary     = module.facts.boundary
  policies     = { write = data.aws_iam_policy_document.trail.json }
}

data "aws_iam_policy_document" "trail" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.trail.arn}:*"]
  }
}
