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
