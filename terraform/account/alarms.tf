# What nobody should do rings at once.
resource "aws_sns_topic" "security" {
  name              = "${local.prefix}-security"
  kms_master_key_id = module.key.id
}

resource "aws_sns_topic_subscription" "security" {
  topic_arn = aws_sns_topic.security.arn
  protocol  = "email"
  endpoint  = local.mailbox
}

locals {
  mailbox = "${module.facts.cloud.alerts.mailbox}@${module.facts.platform.domains.prod}"
  watched = {
    root-use        = "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != \"AwsServiceEvent\" }"
    break-glass-use = "{ $.eventName = \"AssumeRole\" && $.requestParameters.roleArn = \"*${local.prefix}-break-glass\" }"
    sign-in-no-mfa  = "{ $.eventName = \"ConsoleLogin\" && $.additionalEventData.MFAUsed != \"Yes\" && $.responseElements.ConsoleLogin = \"Success\" }"
    sign-in-failed  = "{ $.eventName = \"ConsoleLogin\" && $.errorMessage = \"Failed authentication\" }"
    trail-tampering = "{ $.eventName = \"StopLogging\" || $.eventName = \"DeleteTrail\" || $.eventName = \"UpdateTrail\" || $.eventName = \"PutEventSelectors\" }"
    key-deletion    = "{ $.eventSource = \"kms.amazonaws.com\" && ($.eventName = \"ScheduleKeyDeletion\" || $.eventName = \"DisableKey\") }"
  }
}

resource "aws_cloudwatch_log_metric_filter" "watched" {
  for_each       = local.watched
  name           = "${local.prefix}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.trail.name
  pattern        = each.value
  metric_transformation {
    name          = each.key
    namespace     = local.prefix
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "watched" {
  for_each            = local.watched
  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = "See docs/runbooks: ${each.key}"
  namespace           = local.prefix
  metric_name         = each.key
  statistic           = "Sum"
  period              = 60 # seconds
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.key == "sign-in-failed" ? 5 : 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.security.arn]
}
