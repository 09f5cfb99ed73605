# Log groups: encrypted, kept as long as the profile says, and handed on to the archive by the account root.
locals {
  log_groups = {
    flows    = "/${local.prefix}/flows"
    cluster  = "/aws/eks/${local.prefix}-eks/cluster" # EKS writes to this name
    services = "/${local.prefix}/services"
    bastion  = "/${local.prefix}/bastion"
    database = "/aws/rds/cluster/${local.prefix}-db/postgresql" # and RDS to this
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.log_groups
  name              = each.value
  retention_in_days = local.profile.logDays
  kms_key_id        = module.key["logs"].arn
}
