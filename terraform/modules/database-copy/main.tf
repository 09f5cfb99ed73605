# A region's database with a copy in another region: a global database with one writer, which stays where it is.
terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.from, aws.to]
    }
  }
}

data "aws_caller_identity" "this" {
  provider = aws.to
}

data "aws_rds_cluster" "this" {
  provider           = aws.from
  cluster_identifier = "${var.from}-db"
}

resource "aws_rds_global_cluster" "this" {
  provider                     = aws.from
  global_cluster_identifier    = "${var.from}-global"
  source_db_cluster_identifier = data.aws_rds_cluster.this.arn
  force_destroy                = true # takes its members out; they stay
}

resource "aws_rds_cluster" "this" {
  provider                        = aws.to
  cluster_identifier              = "${var.to}-db-copy"
  global_cluster_identifier       = aws_rds_global_cluster.this.id
  engine                          = data.aws_rds_cluster.this.engine
  engine_version                  = data.aws_rds_cluster.this.engine_version
  db_subnet_group_name            = "${var.to}-db"
  kms_key_id                      = var.key
  storage_encrypted               = true
  deletion_protection             = var.locks
  skip_final_snapshot             = true # a copy
  copy_tags_to_snapshot           = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
  tags                            = { backup = "daily" }

  serverlessv2_scaling_configuration {
    min_capacity = var.capacity.min
    max_capacity = var.capacity.max
  }
  lifecycle {
    ignore_changes = [replication_source_identifier] # RDS fills it in
  }
}

resource "aws_rds_cluster_instance" "this" {
  provider                        = aws.to
  identifier                      = "${var.to}-db-copy-0"
  cluster_identifier              = aws_rds_cluster.this.id
  engine                          = aws_rds_cluster.this.engine
  instance_class                  = "db.serverless"
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.key
  monitoring_interval             = 60 # seconds
  monitoring_role_arn             = "arn:aws:iam::${data.aws_caller_identity.this.account_id}:role/${var.to}-db-monitoring"
}
