# Each region's database has a copy in the other: two global databases, crossed, with one writer each.
data "aws_kms_alias" "home" {
  for_each = toset(["data", "storage", "secrets"])
  name     = "alias/${local.names[local.home]}-${each.value}"
}

data "aws_kms_alias" "peer" {
  provider = aws.peer
  for_each = toset(["data", "storage", "secrets"])
  name     = "alias/${local.names[local.peer]}-${each.value}"
}

locals {
  capacity = { min = local.profile.database.minCapacity, max = local.profile.database.maxCapacity }
  media    = { for name in [local.home, local.peer] : name => "${local.names[name]}-media-${local.account}" }
}

module "database_of_home" {
  source    = "../modules/database-copy"
  providers = { aws.from = aws, aws.to = aws.peer }
  from      = local.names[local.home]
  to        = local.names[local.peer]
  key       = data.aws_kms_alias.peer["data"].target_key_arn
  capacity  = local.capacity
  locks     = local.profile.locks
}

module "database_of_peer" {
  source    = "../modules/database-copy"
  providers = { aws.from = aws.peer, aws.to = aws }
  from      = local.names[local.peer]
  to        = local.names[local.home]
  key       = data.aws_kms_alias.home["data"].target_key_arn
  capacity  = local.capacity
  locks     = local.profile.locks
}

# Images are pushed at home and copied.
resource "aws_ecr_replication_configuration" "this" {
  replication_configuration {
    rule {
      destination {
        region      = module.facts.clusters[local.peer].cloudRegion
        registry_id = local.account
      }
      repository_filter {
        filter      = "${module.facts.platform.tags.application}/"
        filter_type = "PREFIX_MATCH"
      }
    }
  }
}

# Recordings of either region lie in both.
module "media_of_home" {
  source = "../modules/bucket-copy"
  from   = local.media[local.home]
  to     = local.media[local.peer]
  key    = data.aws_kms_alias.peer["storage"].target_key_arn
  role   = module.replication_role.arn
}

module "media_of_peer" {
  source    = "../modules/bucket-copy"
  providers = { aws = aws.peer }
  from      = local.media[local.peer]
  to        = local.media[local.home]
  key       = data.aws_kms_alias.home["storage"].target_key_arn
  role      = module.replication_role.arn
}

module "replication_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-replication"
  description = "S3 copies recordings to the other region"
  service     = "s3.amazonaws.com"
  boundary    = module.facts.boundary
  policies    = { copy = data.aws_iam_policy_document.replication.json }
}

data "aws_iam_policy_document" "replication" {
  statement {
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [for name in values(local.media) : "arn:aws:s3:::${name}"]
  }
  statement {
    actions = [
      "s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging",
      "s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags",
    ]
    resources = [for name in values(local.media) : "arn:aws:s3:::${name}/*"]
  }
  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [data.aws_kms_alias.home["storage"].target_key_arn, data.aws_kms_alias.peer["storage"].target_key_arn]
  }
}
