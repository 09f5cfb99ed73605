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
}
