# AWS's own watchmen, which look at one region each.
resource "aws_ebs_encryption_by_default" "this" {
  enabled = true
}

resource "aws_guardduty_detector" "this" {
  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
}

resource "aws_guardduty_detector_feature" "this" {
  for_each    = toset(["S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS"])
  detector_id = aws_guardduty_detector.this.id
  name        = each.value
  status      = "ENABLED"
}

resource "aws_securityhub_account" "this" {
  enable_default_standards = true
}

resource "aws_accessanalyzer_analyzer" "this" {
  analyzer_name = "${local.prefix}-analyzer"
  type          = "ACCOUNT"
}

# Config records how every resource was at every time, in the account's archive.
resource "aws_config_configuration_recorder" "this" {
  name     = "${local.prefix}-recorder"
  role_arn = module.config_role.arn
  recording_group {
    all_supported                 = true
    include_global_resource_types = local.cluster == module.facts.cloud.home # once is enough
  }
}

resource "aws_config_delivery_channel" "this" {
  name           = "${local.prefix}-archive"
  s3_bucket_name = "${module.facts.shared}-archive-${local.account}"
  s3_key_prefix  = "config"

  depends_on = [aws_config_configuration_recorder.this]
}

resource "aws_config_configuration_recorder_status" "this" {
  name       = aws_config_configuration_recorder.this.name
  is_enabled = true

  depends_on = [aws_config_delivery_channel.this]
}

resource "aws_config_config_rule" "this" {
  for_each = toset([
    "ENCRYPTED_VOLUMES", "RDS_STORAGE_ENCRYPTED", "S3_BUCKET_PUBLIC_READ_PROHIBITED", "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED",
    "INCOMING_SSH_DISABLED", "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", "ROOT_ACCOUNT_MFA_ENABLED", "VPC_FLOW_LOGS_ENABLED",
  ])
  name = "${local.prefix}-${lower(replace(each.value, "_", "-"))}"
  source {
    owner             = "AWS"
    source_identifier = each.value
  }

  depends_on = [aws_config_configuration_recorder.this]
}

module "config_role" {
  source       = "../modules/role"
  name         = "${local.prefix}-config"
  description  = "AWS Config reads all resources"
  service      = "config.amazonaws.com"
  same_account = true
  boundary     = local.boundary
  managed      = ["service-role/AWS_ConfigRole"]
}
