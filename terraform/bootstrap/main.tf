# The first root, applied once by a person with an administrator's session: what every other root and the pipelines need.
# It has no backend: `onair cloud` keeps its state in the bucket that it makes (terraform/README.md).
terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

module "facts" {
  source = "../modules/facts"
}

provider "aws" {
  region = module.facts.clusters[module.facts.cloud.home].cloudRegion
  default_tags {
    tags = module.facts.tags
  }
}

data "aws_caller_identity" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  prefix  = module.facts.prefix
  issuer  = "token.actions.githubusercontent.com"
}
