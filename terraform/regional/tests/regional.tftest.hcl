mock_provider "aws" {
  source = "../mocks"
}

run "korea" {
  variables {
    cluster = "prod-kr"
  }
}

run "united_states" {
  variables {
    cluster = "prod-us"
  }
}
