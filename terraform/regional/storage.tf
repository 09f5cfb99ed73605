# Buckets: recordings of the shows, what is exported for keeping, the bastion's backups, and the access logs of all three.
module "access_logs" {
  source      = "../modules/bucket"
  name        = "${local.prefix}-access-logs-${local.account}"
  locks       = local.profile.locks
  expire_days = local.profile.auditDays
  policies    = [data.aws_iam_policy_document.access_logs.json]
}

data "aws_iam_policy_document" "access_logs" {
  statement {
    sid       = "BucketsOfThisAccountWriteTheirLogs"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${local.prefix}-access-logs-${local.account}/*"]
    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

module "bucket" {
  source     = "../modules/bucket"
  for_each   = toset(["media", "exports", "bastion"])
  name       = "${local.prefix}-${each.key}-${local.account}"
  locks      = local.profile.locks
  key_arn    = module.key["storage"].arn
  log_bucket = module.access_logs.name
  backup     = true
}
