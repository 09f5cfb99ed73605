# Secrets that both regions share (`shared` in clusters/platform/secrets.yaml): made at home, replicated, each under its region's key.
locals {
  secrets = {
    for key, secret in module.facts.secrets : key => secret
    if anytrue([for item in try(values(secret.keys), []) : try(item.shared, false)])
  }
  # Where a local address is written or a value drawn, the pool says it.
  elsewhere = {
    OIDC_ISSUER        = "https://${aws_cognito_user_pool.sellers.endpoint}"
    OIDC_CLIENT_ID     = aws_cognito_user_pool_client.web.id
    OIDC_CLIENT_SECRET = aws_cognito_user_pool_client.web.client_secret
  }
  # One more draws all anew. Of the seller's Secret a number that another client changes, as its values change with it.
  versions = { "shop/seller-oidc" = parseint(substr(sha256(aws_cognito_user_pool_client.web.id), 0, 7), 16) }
}

resource "aws_secretsmanager_secret" "this" {
  for_each                = local.secrets
  name                    = "${module.facts.shared}-${replace(each.key, "/", "-")}"
  description             = "Secret ${each.key} of both regions"
  kms_key_id              = data.aws_kms_alias.home["secrets"].target_key_arn
  recovery_window_in_days = local.profile.locks ? 30 : 0

  replica {
    region     = module.facts.clusters[local.peer].cloudRegion
    kms_key_id = data.aws_kms_alias.peer["secrets"].target_key_arn
  }
}

ephemeral "aws_secretsmanager_random_password" "this" {
  provider            = aws.drawing # its own name, as tests cannot mock it: mocked providers know no ephemeral resources
  for_each            = var.mocked ? {} : merge([for key, secret in local.secrets : { for item, rule in secret.keys : "${key}/${item}" => rule.length if can(rule.length) }]...)
  password_length     = each.value
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each  = local.secrets
  secret_id = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo = jsonencode({
    for item, rule in each.value.keys : item => try(local.elsewhere[item], rule.value,
    var.mocked ? "mocked" : ephemeral.aws_secretsmanager_random_password.this["${each.key}/${item}"].random_password)
  })
  secret_string_wo_version = lookup(local.versions, each.key, 1)
}
