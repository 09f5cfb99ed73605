# The Secrets that manifests expect (clusters/platform/secrets.yaml). Drawn values are ephemeral: Terraform's state never holds them. What both
# regions share is made by the links root, which replicates it.
locals {
  secrets      = { for key, secret in module.facts.secrets : key => secret if try(secret.certificate, null) == null }
  shared       = [for key, secret in local.secrets : key if anytrue([for item in values(secret.keys) : try(item.shared, false)])]
  secret_names = { for key in keys(local.secrets) : key => "${contains(local.shared, key) ? module.facts.shared : local.prefix}-${replace(key, "/", "-")}" }
  own          = { for key, secret in local.secrets : key => secret if !contains(local.shared, key) }
  # Where a local address is written, the cloud has another.
  elsewhere = {
    PGHOST     = aws_rds_cluster.this.endpoint
    PGPORT     = tostring(aws_rds_cluster.this.port)
    VALKEY_URL = "rediss://:${terraform_data.valkey_token.output}@${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"
  }
}

resource "aws_secretsmanager_secret" "this" {
  for_each                = local.own
  name                    = local.secret_names[each.key]
  description             = "Secret ${each.key} of ${local.cluster}"
  kms_key_id              = module.key["secrets"].arn
  recovery_window_in_days = local.profile.locks ? 30 : 0
}

ephemeral "aws_secretsmanager_random_password" "this" {
  provider            = aws.drawing # its own name, as tests cannot mock it: mocked providers know no ephemeral resources
  for_each            = var.mocked ? {} : merge([for key, secret in local.own : { for item, rule in secret.keys : "${key}/${item}" => rule.length if can(rule.length) }]...)
  password_length     = each.value
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each  = local.own
  secret_id = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo = jsonencode({
    for item, rule in each.value.keys : item => try(
      local.elsewhere[item], rule.value,
      var.mocked ? "mocked" : ephemeral.aws_secretsmanager_random_password.this["${each.key}/${item}"].random_password
    )
  })
  secret_string_wo_version = 1 # one more draws all anew
}
