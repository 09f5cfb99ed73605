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
  # The emulator answers on one address for all buckets, and need not be asked again and again.
  s3_use_path_style = var.emulated
  max_retries       = var.emulated ? 2 : null
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
