# Each region's database has a copy in the other: two global databases, crossed, with one writer each.
data "aws_rds_cluster" "home" {
  cluster_identifier = "${local.names[local.home]}-db"
}

data "aws_rds_cluster" "peer" {
  provider           = aws.peer
  cluster_identifier = "${local.names[local.peer]}-db"
}

data "aws_kms_alias" "home" {
  for_each = toset(["data", "storage", "secrets"])
  name     = "alias/${local.names[local.home]}-${each.value}"
}

data "aws_kms_alias" "peer" {
  provider = aws.peer
  for_each = toset(["data", "storage", "secrets"])
  name     = "alias/${local.names[local.peer]}-${each.value}"
}

resource "aws_rds_global_cluster" "home" {
  global_cluster_identifier    = "${local.names[local.home]}-global"
  source_db_cluster_identifier = data.aws_rds_cluster.home.arn
  force_destroy                = true # takes its members out; they stay
}

resource "aws_rds_global_cluster" "peer" {
  provider                     = aws.peer
  global_cluster_identifier    = "${local.names[local.peer]}-global"
  source_db_cluster_identifier = data.aws_rds_cluster.peer.arn
  force_destroy                = true
}

resource "aws_rds_cluster" "home_in_peer" {
  provider                  = aws.peer
  cluster_identifier        = "${local.names[local.peer]}-db-copy"
  global_cluster_identifier = aws_rds_global_cluster.home.id
  engine                    = "aurora-postgresql"
  engine_version            = data.aws_rds_cluster.home.engine_version
  db_subnet_group_name      = "${local.names[local.peer]}-db"
  kms_key_id                = data.aws_kms_alias.peer["data"].target_key_arn
  storage_encrypted         = true
  deletion_protection       = local.profile.locks
  skip_final_snapshot       = true # a copy
  copy_tags_to_snapshot     = true

  enabled_cloudwatch_logs_exports = ["postgresql"]
  tags                            = { backup = "daily" }

  serverlessv2_scaling_configuration {
    min_capacity = local.profile.database.minCapacity
    max_capacity = local.profile.database.maxCapacity
  }
  lifecycle {
    ignore_changes = [replication_source_identifier] # RDS fills it in
  }
}

resource "aws_rds_cluster_instance" "home_in_peer" {
  provider           = aws.peer
  identifier         = "${local.names[local.peer]}-db-copy-0"
  cluster_identifier = aws_rds_cluster.home_in_peer.id
  engine             = aws_rds_cluster.home_in_peer.engine
  instance_class     = "db.serverless"

  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = data.aws_kms_alias.peer["data"].target_key_arn
  monitoring_interval             = 60 # seconds
  monitoring_role_arn             = "arn:aws:iam::${local.account}:role/${local.names[local.peer]}-db-monitoring"
}

resource "aws_rds_cluster" "peer_in_home" {
  cluster_identifier        = "${local.names[local.home]}-db-copy"
  global_cluster_identifier = aws_rds_global_cluster.peer.id
  engine                    = "aurora-postgresql"
  engine_version            = data.aws_rds_cluster.peer.engine_version
  db_subnet_group_name      = "${local.names[local.home]}-db"
  kms_key_id                = data.aws_kms_alias.home["data"].target_key_arn
  storage_encrypted         = true
  deletion_protection       = local.profile.locks
  skip_final_snapshot       = true
  copy_tags_to_snapshot     = true

  enabled_cloudwatch_logs_exports = ["postgresql"]

  tags = { backup = "daily" }

  serverlessv2_scaling_configuration {
    min_capacity = local.profile.database.minCapacity
    max_capacity = local.profile.database.maxCapacity
  }
  lifecycle {
    ignore_changes = [replication_source_identifier]
  }
}

resource "aws_rds_cluster_instance" "peer_in_home" {
  identifier         = "${local.names[local.home]}-db-copy-0"
  cluster_identifier = aws_rds_cluster.peer_in_home.id
  engine             = aws_rds_cluster.peer_in_home.engine
  instance_class     = "db.serverless"

  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = data.aws_kms_alias.home["data"].target_key_arn
  monitoring_interval             = 60 # seconds
  monitoring_role_arn             = "arn:aws:iam::${local.account}:role/${local.names[local.home]}-db-monitoring"
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
resource "aws_s3_bucket_replication_configuration" "home" {
  bucket = "${local.names[local.home]}-media-${local.account}"
  role   = module.replication_role.arn
  rule {
    id       = "recordings"
    status   = "Enabled"
    priority = 1
    filter {
      prefix = ""
    }
    delete_marker_replication {
      status = "Enabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket        = "arn:aws:s3:::${local.names[local.peer]}-media-${local.account}"
      storage_class = "STANDARD_IA"
      encryption_configuration {
        replica_kms_key_id = data.aws_kms_alias.peer["storage"].target_key_arn
      }
    }
  }
}

resource "aws_s3_bucket_replication_configuration" "peer" {
  provider = aws.peer
  bucket   = "${local.names[local.peer]}-media-${local.account}"
  role     = module.replication_role.arn
  rule {
    id       = "recordings"
    status   = "Enabled"
    priority = 1
    filter {
      prefix = ""
    }
    delete_marker_replication {
      status = "Enabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket        = "arn:aws:s3:::${local.names[local.home]}-media-${local.account}"
      storage_class = "STANDARD_IA"
      encryption_configuration {
        replica_kms_key_id = data.aws_kms_alias.home["storage"].target_key_arn
      }
    }
  }
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
    resources = [for name in values(local.names) : "arn:aws:s3:::${name}-media-${local.account}"]
  }
  statement {
    actions = [
      "s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging",
      "s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags",
    ]
    resources = [for name in values(local.names) : "arn:aws:s3:::${name}-media-${local.account}/*"]
  }
  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [data.aws_kms_alias.home["storage"].target_key_arn, data.aws_kms_alias.peer["storage"].target_key_arn]
  }
}
