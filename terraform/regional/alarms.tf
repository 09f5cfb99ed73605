# What rings: one topic a region, to the mailbox and, by EventBridge, to the chat.
resource "aws_sns_topic" "alarms" {
  name              = "${local.prefix}-alarms"
  kms_master_key_id = module.key["logs"].id
}

resource "aws_sns_topic_subscription" "mailbox" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = "${module.facts.cloud.alerts.mailbox}@${module.facts.platform.domains.prod}"
}

data "aws_iam_policy_document" "alarms" {
  statement {
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.alarms.json
}

locals {
  # metric: CloudWatch's name; above or below: the threshold; over: periods of a minute.
  alarms = {
    database-cpu         = { of = "AWS/RDS", metric = "CPUUtilization", above = 80, over = 5, with = { DBClusterIdentifier = aws_rds_cluster.this.cluster_identifier } }
    database-memory      = { of = "AWS/RDS", metric = "FreeableMemory", below = 268435456, over = 5, with = { DBClusterIdentifier = aws_rds_cluster.this.cluster_identifier } } # bytes
    database-capacity    = { of = "AWS/RDS", metric = "ACUUtilization", above = 90, over = 10, with = { DBClusterIdentifier = aws_rds_cluster.this.cluster_identifier } }
    database-disk        = { of = "AWS/RDS", metric = "FreeLocalStorage", below = 2147483648, over = 5, with = { DBClusterIdentifier = aws_rds_cluster.this.cluster_identifier } }
    database-connections = { of = "AWS/RDS", metric = "DatabaseConnections", above = 600, over = 5, with = { DBClusterIdentifier = aws_rds_cluster.this.cluster_identifier } }
    cache-cpu            = { of = "AWS/ElastiCache", metric = "EngineCPUUtilization", above = 80, over = 5, with = { ReplicationGroupId = aws_elasticache_replication_group.this.id } }
    cache-memory         = { of = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", above = 80, over = 5, with = { ReplicationGroupId = aws_elasticache_replication_group.this.id } }
    queue-age            = { of = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", above = 120, over = 3, with = { QueueName = aws_sqs_queue.orders.name } } # seconds
    queue-failed         = { of = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", above = 0, over = 1, with = { QueueName = aws_sqs_queue.failed.name } }
    edge-unhealthy       = { of = "AWS/NetworkELB", metric = "UnHealthyHostCount", above = 0, over = 2, with = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.this.arn_suffix } }
    edge-resets          = { of = "AWS/NetworkELB", metric = "TCP_ELB_Reset_Count", above = 100, over = 3, with = { LoadBalancer = aws_lb.this.arn_suffix } }
    bastion-status       = { of = "AWS/EC2", metric = "StatusCheckFailed", above = 0, over = 2, with = { AutoScalingGroupName = aws_autoscaling_group.bastion.name } }
    nodes-cpu            = { of = "ContainerInsights", metric = "node_cpu_utilization", above = 85, over = 10, with = { ClusterName = aws_eks_cluster.this.name } }
    nodes-memory         = { of = "ContainerInsights", metric = "node_memory_utilization", above = 85, over = 10, with = { ClusterName = aws_eks_cluster.this.name } }
    nodes-disk           = { of = "ContainerInsights", metric = "node_filesystem_utilization", above = 80, over = 10, with = { ClusterName = aws_eks_cluster.this.name } }
    nodes-failed         = { of = "ContainerInsights", metric = "cluster_failed_node_count", above = 0, over = 3, with = { ClusterName = aws_eks_cluster.this.name } }
  }
  nat_alarms = {
    for letter in keys(local.nat) : "nat-ports-${letter}" =>
    { of = "AWS/NATGateway", metric = "ErrorPortAllocation", above = 0, over = 2, with = { NatGatewayId = aws_nat_gateway.this[letter].id } }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = merge(local.alarms, local.nat_alarms)
  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = "See docs/runbooks: ${each.key}"
  namespace           = each.value.of
  metric_name         = each.value.metric
  dimensions          = each.value.with
  statistic           = "Maximum"
  period              = 60 # seconds
  evaluation_periods  = each.value.over
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# The chat gets every change of an alarm, by its webhook; the address is a secret, so a person gives it (TF_VAR_chat_webhook).
resource "aws_cloudwatch_event_rule" "alarms" {
  name        = "${local.prefix}-alarms"
  description = "An alarm of this region rings or ends"
  event_pattern = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    detail      = { alarmName = [{ prefix = "${local.prefix}-" }] }
  })
}

resource "aws_cloudwatch_event_connection" "chat" {
  name               = "${local.prefix}-chat"
  authorization_type = "API_KEY"
  auth_parameters {
    api_key { # webhooks carry their secret in the address; a key is asked for nevertheless
      key   = "x-sender"
      value = local.prefix
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "chat" {
  name                             = "${local.prefix}-chat"
  invocation_endpoint              = var.chat_webhook
  http_method                      = "POST"
  invocation_rate_limit_per_second = 1
  connection_arn                   = aws_cloudwatch_event_connection.chat.arn
}

resource "aws_cloudwatch_event_target" "chat" {
  rule     = aws_cloudwatch_event_rule.alarms.name
  arn      = aws_cloudwatch_event_api_destination.chat.arn
  role_arn = module.chat_role.arn
  input_transformer {
    input_paths    = { name = "$.detail.alarmName", state = "$.detail.state.value", reason = "$.detail.state.reason" }
    input_template = "{\"text\": \"<name> is <state>: <reason>\"}"
  }
}

module "chat_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-alarm-chat"
  description = "EventBridge posts alarms to the chat"
  service     = "events.amazonaws.com"
  boundary    = local.boundary
  policies    = { post = data.aws_iam_policy_document.chat.json }
}

data "aws_iam_policy_document" "chat" {
  statement {
    actions   = ["events:InvokeApiDestination"]
    resources = [aws_cloudwatch_event_api_destination.chat.arn]
  }
}
