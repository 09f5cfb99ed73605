# A key a purpose: who may read the logs may not read the orders.
locals {
  keys = {
    cluster = { of = "Kubernetes Secrets in etcd, and volumes", services = [] }
    data    = { of = "Databases, caches and queues", services = [] }
    secrets = { of = "Secrets Manager", services = [] }
    storage = { of = "Recordings and other objects", services = ["delivery.logs.amazonaws.com"] }
    backup  = { of = "Backups", services = ["backup.amazonaws.com"] }
    logs    = { of = "Log groups and alarms", services = ["cloudwatch.amazonaws.com", "events.amazonaws.com"] }
  }
}

module "key" {
  source      = "../modules/key"
  for_each    = local.keys
  name        = "${local.prefix}-${each.key}"
  description = each.value.of
  locks       = local.profile.locks
  services    = each.value.services
  logs_region = each.key == "logs" ? local.region : null
}

# The use of a key by way of one service alone, for whoever works with that service.
data "aws_iam_policy_document" "through" {
  for_each = {
    s3             = { key = "storage", actions = ["kms:Decrypt", "kms:GenerateDataKey"] }
    secretsmanager = { key = "secrets", actions = ["kms:Decrypt"] }
    sqs            = { key = "data", actions = ["kms:Decrypt", "kms:GenerateDataKey"] }
  }
  statement {
    actions   = each.value.actions
    resources = [module.key[each.value.key].arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["${each.key}.${local.region}.amazonaws.com"]
    }
  }
}
