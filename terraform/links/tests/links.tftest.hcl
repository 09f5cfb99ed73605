mock_provider "aws" {
  source = "../mocks"
}

mock_provider "aws" {
  alias  = "peer"
  source = "../mocks"
}

provider "aws" { # never asked: nothing is drawn
  alias                       = "drawing"
  region                      = "xx-mock-1"
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

variables {
  mocked = true
}

run "links" {
  assert {
    condition     = length(aws_route.home) == 6 && length(aws_route.peer) == 6
    error_message = "Every zone knows the way to the other region's nodes and pods."
  }
  assert {
    condition     = module.database_of_home.name != module.database_of_peer.name
    error_message = "Each region writes to a database of its own."
  }
  assert {
    condition     = aws_cognito_user_pool.sellers.mfa_configuration == "ON" && one(aws_cognito_user_pool.sellers.admin_create_user_config).allow_admin_create_user_only
    error_message = "A seller has a second factor, and nobody makes an account of their own."
  }
  assert {
    condition     = aws_cognito_user_pool_client.web.generate_secret && aws_cognito_user_pool_client.web.allowed_oauth_flows == toset(["code"]) && aws_cognito_user_pool_client.web.explicit_auth_flows == toset(["ALLOW_REFRESH_TOKEN_AUTH"])
    error_message = "Web signs sellers in by the pool's own page, with a code."
  }
  assert {
    condition     = aws_cognito_user_pool_client.web.callback_urls == toset(["https://shop.${module.facts.platform.domains.prod}/auth/callback"])
    error_message = "A seller comes back to the shop and nowhere else."
  }
  assert {
    condition     = toset(keys(local.elsewhere)) == toset(keys(local.secrets["shop/seller-oidc"].keys))
    error_message = "Every key of the sellers' Secret is the pool's; a local address or a drawn secret leads nowhere."
  }
}
