# One region: all that a cluster stands on. One code; a state for each cluster, which is the workspace's name.
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
  source  = "../modules/facts"
  cluster = local.cluster
}

provider "aws" {
  region = local.region
  # The emulator answers on one address for all buckets, and need not be asked again and again.
  s3_use_path_style = var.emulated
  max_retries       = var.emulated ? 2 : null
  default_tags {
    tags = module.facts.tags
  }
}

provider "aws" { # secrets.tf says why
  alias       = "drawing"
  region      = local.region
  max_retries = var.emulated ? 2 : null
}

data "aws_caller_identity" "this" {}

locals {
  cluster  = coalesce(var.cluster, terraform.workspace)
  spec     = module.facts.cluster
  region   = try(local.spec.cloudRegion, null)
  zones    = { for zone in local.spec.zones : substr(zone, -1, 1) => zone }
  first    = keys(local.zones)[0]
  prefix   = module.facts.prefix
  profile  = module.facts.profile
  account  = data.aws_caller_identity.this.account_id
  boundary = module.facts.boundary
}
