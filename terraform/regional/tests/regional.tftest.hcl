mock_provider "aws" {
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

run "korea" {
  variables {
    cluster = "prod-kr"
  }
  assert {
    condition     = toset(flatten([for entry in aws_eks_access_entry.people : entry.kubernetes_groups])) == module.facts.groups
    error_message = "Each group of people is that group in the cluster, no more."
  }
}

run "united_states" {
  command = plan
  variables {
    cluster = "prod-us"
  }
}
