# Aurora PostgreSQL, the region's own writer. Services sign in by the passwords of their Secrets over TLS; the master's is kept and rotated
# by RDS itself.
resource "aws_db_subnet_group" "this" {
  name       = "${local.prefix}-db"
  subnet_ids = values(local.subnets["db"])
}

resource "aws_rds_cluster_parameter_group" "this" {
  name   = "${local.prefix}-db"
  family = "aurora-postgresql${split(".", module.facts.cloud.engines["aurora-postgresql"])[0]}"
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name  = "log_min_duration_statement"
    value = "1000" # milliseconds
  }
}

resource "aws_rds_cluster" "this" {
  cluster_identifier              = "${local.prefix}-db"
  engine                          = "aurora-postgresql"
  engine_version                  = module.facts.cloud.engines["aurora-postgresql"]
  database_name                   = "shop"
  port                            = 5432
  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this["db"].id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name
  storage_encrypted               = true
  kms_key_id                      = module.key["data"].arn
  master_username                 = "onair"
  manage_master_user_password     = true
  enable_http_endpoint            = true # `onair cloud databases` makes the services' roles by it, without a way into the network
  master_user_secret_kms_key_id   = module.key["secrets"].id
  enabled_cloudwatch_logs_exports = ["postgresql"]
  backup_retention_period         = local.profile.backupDays # days that a point in time can be restored
  preferred_backup_window         = "18:00-18:30"            # UTC; no show on air
  preferred_maintenance_window    = "tue:19:00-tue:19:30"
  copy_tags_to_snapshot           = true
  deletion_protection             = local.profile.locks
  skip_final_snapshot             = !local.profile.locks
  final_snapshot_identifier       = local.profile.locks ? "${local.prefix}-db-final" : null
  tags                            = { backup = "daily" }

  serverlessv2_scaling_configuration {
    min_capacity = local.profile.database.minCapacity
    max_capacity = local.profile.database.maxCapacity
  }

  lifecycle {
    ignore_changes = [global_cluster_identifier] # the links root joins it
  }
  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_rds_cluster_instance" "this" {
  count                           = 1 + local.profile.database.readers
  identifier                      = "${local.prefix}-db-${count.index}"
  cluster_identifier              = aws_rds_cluster.this.id
  engine                          = aws_rds_cluster.this.engine
  engine_version                  = aws_rds_cluster.this.engine_version
  instance_class                  = "db.serverless"
  availability_zone               = local.spec.zones[count.index % length(local.spec.zones)]
  promotion_tier                  = 1 # scales with the writer, ready to take over
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = module.key["data"].arn
  monitoring_interval             = 60 # seconds
  monitoring_role_arn             = module.monitoring_role.arn
}

module "monitoring_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-db-monitoring"
  description = "RDS writes figures of the operating system"
  service     = "monitoring.rds.amazonaws.com"
  boundary    = local.boundary
  managed     = ["service-role/AmazonRDSEnhancedMonitoringRole"]
}
