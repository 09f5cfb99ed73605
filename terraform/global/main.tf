# The edge of the world: one name, the nearest healthy region behind it.
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

provider "aws" {
  alias             = "edge"
  region            = module.facts.cloud.globalRegion
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
  home    = module.facts.cloud.home
  peer    = module.facts.clusters[local.home].peer
  names   = { for name in [local.home, local.peer] : name => replace(local.prefix, "global", module.facts.clusters[name].region) }
  domain  = module.facts.platform.domains.prod
  shop    = "shop.${local.domain}"
  edge    = module.facts.platform.edge
}
