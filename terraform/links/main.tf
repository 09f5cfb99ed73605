# What needs both regions: the way between their networks, copies of data, and what both share.
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

provider "aws" {
  alias             = "peer"
  region            = module.facts.clusters[module.facts.clusters[module.facts.cloud.home].peer].cloudRegion
  s3_use_path_style = var.emulated
  max_retries       = var.emulated ? 2 : null
  default_tags {
    tags = module.facts.tags
  }
}

provider "aws" { # secrets.tf says why
  alias       = "drawing"
  region      = module.facts.clusters[module.facts.cloud.home].cloudRegion
  max_retries = var.emulated ? 2 : null
}

data "aws_caller_identity" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  prefix  = module.facts.prefix
  profile = module.facts.profile
  home    = module.facts.cloud.home
  peer    = module.facts.clusters[local.home].peer
  names   = { for name in [local.home, local.peer] : name => replace(local.prefix, "global", module.facts.clusters[name].region) }
}
