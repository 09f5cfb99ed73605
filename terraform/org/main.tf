# The organisation: accounts apart by what would be lost with them, and what nobody in them may do. Needs an organisation of its own, so
# a lab runs its tests only.
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
  region            = module.facts.clusters[module.facts.cloud.home].cloudRegion
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
  profile = module.facts.profile
  home    = module.facts.clusters[module.facts.cloud.home]
}
