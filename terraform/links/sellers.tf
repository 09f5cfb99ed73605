# Sellers sign in here, whichever region they come to: one pool, as a seller is the same in both. It holds sellers and nobody else (web takes
# whoever it knows for one), so nobody makes an account of their own.
resource "aws_cognito_user_pool" "sellers" {
  name                     = "${local.prefix}-sellers"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = "ON"
  deletion_protection      = local.profile.locks ? "ACTIVE" : "INACTIVE"

  software_token_mfa_configuration {
    enabled = true
  }
  admin_create_user_config {
    allow_admin_create_user_only = true
  }
  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }
  password_policy {
    minimum_length                   = 16 # as the account's own users
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = false
    temporary_password_validity_days = 3
  }
  schema {
    name                = "name" # what viewers see
    attribute_data_type = "String"
    required            = true
    mutable             = true
    string_attribute_constraints {
      min_length = "1"
      max_length = "64"
    }
  }
}

resource "aws_cognito_user_pool_domain" "sellers" {
  domain       = "${local.prefix}-sellers-${local.account}" # one name for all of AWS
  user_pool_id = aws_cognito_user_pool.sellers.id
}

resource "aws_cognito_user_pool_client" "web" {
  name                                 = "${local.prefix}-web"
  user_pool_id                         = aws_cognito_user_pool.sellers.id
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["email", "openid", "profile"]
  callback_urls                        = ["https://shop.${module.facts.platform.domains.prod}/auth/callback"]
  supported_identity_providers         = ["COGNITO"]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"] # by the sign-in page alone
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
  id_token_validity                    = 10
  access_token_validity                = 10
  refresh_token_validity               = 60
  token_validity_units {
    id_token      = "minutes"
    access_token  = "minutes"
    refresh_token = "minutes"
  }
}
