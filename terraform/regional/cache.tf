# ElastiCache for Valkey: the chat's fan-out. By TLS and a token.
resource "aws_elasticache_subnet_group" "this" {
  name       = "${local.prefix}-cache"
  subnet_ids = values(local.subnets["db"])
}

data "aws_secretsmanager_random_password" "valkey" {
  password_length     = 44
  exclude_punctuation = true
}

# ElastiCache's token cannot be given without the state knowing it; so it is drawn once and kept here, the one secret in the state, which
# only the pipelines' roles read (docs/architecture/iac.md).
resource "terraform_data" "valkey_token" {
  input = data.aws_secretsmanager_random_password.valkey.random_password

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = "${local.prefix}-cache"
  description                = "Chat of ${local.cluster}"
  engine                     = "valkey"
  engine_version             = module.facts.cloud.engines["valkey"]
  node_type                  = local.profile.cache.nodeType
  num_cache_clusters         = 1 + local.profile.cache.replicas
  port                       = 6379
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.this["db"].id]
  automatic_failover_enabled = true
  multi_az_enabled           = true
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  kms_key_id                 = module.key["data"].arn
  auth_token                 = terraform_data.valkey_token.output
  snapshot_retention_limit   = local.profile.backupDays
  apply_immediately          = true
}
