# AWS Backup takes what is tagged `backup = daily`: the database, the buckets, volumes of the cluster and the bastion's disk.
resource "aws_backup_vault" "this" {
  name          = "${local.prefix}-backup"
  kms_key_arn   = module.key["backup"].arn
  force_destroy = !local.profile.locks
}

resource "aws_backup_vault_lock_configuration" "this" {
  for_each           = toset(local.profile.locks ? ["this"] : [])
  backup_vault_name  = aws_backup_vault.this.name
  min_retention_days = 7
  max_retention_days = 400
}

resource "aws_backup_plan" "this" {
  name = "${local.prefix}-daily"

  rule {
    rule_name                = "daily"
    target_vault_name        = aws_backup_vault.this.name
    schedule                 = "cron(0 18 * * ? *)" # UTC; no show on air
    start_window             = 60                   # minutes
    completion_window        = 360
    enable_continuous_backup = true
    lifecycle {
      delete_after = local.profile.backupDays
    }
    copy_action { # the other region has it too
      destination_vault_arn = "arn:aws:backup:${module.facts.clusters[local.spec.peer].cloudRegion}:${local.account}:backup-vault:${replace(local.prefix, local.spec.region, module.facts.clusters[local.spec.peer].region)}-backup"
      lifecycle {
        delete_after = local.profile.backupDays
      }
    }
  }
}

resource "aws_backup_selection" "this" {
  name         = "${local.prefix}-tagged"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = module.backup_role.arn

  selection_tag {
    type  = "STRINGEQUALS"
    key   = "backup"
    value = "daily"
  }
}

module "backup_role" {
  source       = "../modules/role"
  name         = "${local.prefix}-backup"
  description  = "AWS Backup saves and restores"
  service      = "backup.amazonaws.com"
  same_account = true
  boundary     = local.boundary
  managed = [
    "service-role/AWSBackupServiceRolePolicyForBackup", "service-role/AWSBackupServiceRolePolicyForRestores",
    "AWSBackupServiceRolePolicyForS3Backup", "AWSBackupServiceRolePolicyForS3Restore",
  ]
  policies = { keep = data.aws_iam_policy_document.backup_keeps.json }
}

# AWS's policy for restores may take databases away, as it does with restores that fail; the shop's own are none of these.
data "aws_iam_policy_document" "backup_keeps" {
  statement {
    effect    = "Deny"
    actions   = ["rds:DeleteDBCluster"]
    resources = ["arn:aws:rds:*:${local.account}:cluster:*-db", "arn:aws:rds:*:${local.account}:cluster:*-db-copy"]
  }
}
