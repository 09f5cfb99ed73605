# The month's budget rings before it is spent, and what is unlike other days rings at once.
resource "aws_budgets_budget" "month" {
  name         = "${local.prefix}-month"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = format("%.1f", local.profile.budgetUsd)
  limit_unit   = "USD"

  dynamic "notification" {
    for_each = { half = [50, "ACTUAL"], most = [80, "ACTUAL"], all = [100, "FORECASTED"] }
    content {
      threshold                  = notification.value[0]
      threshold_type             = "PERCENTAGE"
      notification_type          = notification.value[1]
      comparison_operator        = "GREATER_THAN"
      subscriber_email_addresses = [local.mailbox]
    }
  }
}

resource "aws_ce_anomaly_monitor" "services" {
  name              = "${local.prefix}-services"
  monitor_type      = "DIMENSIONAL"
  monitor_dimension = "SERVICE"
}

resource "aws_ce_anomaly_subscription" "services" {
  name             = "${local.prefix}-services"
  frequency        = "DAILY"
  monitor_arn_list = [aws_ce_anomaly_monitor.services.arn]
  subscriber {
    type    = "EMAIL"
    address = local.mailbox
  }
  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = ["20"] # dollars
    }
  }
}

# Not on the emulator: S3 Control puts the account's id before the host's name, and 127.0.0.1 has no such name.
resource "aws_s3_account_public_access_block" "this" {
  for_each                = toset(var.emulated ? [] : ["this"])
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
