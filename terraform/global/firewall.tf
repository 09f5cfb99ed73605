# The web application firewall in front of everything.
locals {
  managed = { # AWS's groups, in order; `count` only counts what it would block
    AWSManagedRulesAmazonIpReputationList = "none"
    AWSManagedRulesCommonRuleSet          = "none"
    AWSManagedRulesKnownBadInputsRuleSet  = "none"
    AWSManagedRulesSQLiRuleSet            = "none"
    AWSManagedRulesBotControlRuleSet      = local.profile.locks ? "none" : "count" # dear: the lab only counts
  }
}

resource "aws_wafv2_web_acl" "this" {
  provider    = aws.edge
  name        = "${local.prefix}-firewall"
  description = "The shop"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 0
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit                 = 2000 # requests of an address in five minutes: a viewer needs some hundreds
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "geo"
    priority = 1
    action {
      block {}
    }
    statement {
      geo_match_statement {
        country_codes = module.facts.cloud.blockedCountries
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "geo"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = { for index, name in keys(local.managed) : name => index + 2 }
    content {
      name     = rule.key
      priority = rule.value
      override_action {
        dynamic "none" {
          for_each = toset(local.managed[rule.key] == "none" ? ["this"] : [])
          content {}
        }
        dynamic "count" {
          for_each = toset(local.managed[rule.key] == "count" ? ["this"] : [])
          content {}
        }
      }
      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${local.prefix}-firewall"
    sampled_requests_enabled   = true
  }
}

module "key" {
  source      = "../modules/key"
  providers   = { aws = aws.edge }
  name        = "${local.prefix}-edge"
  description = "The firewall's log"
  locks       = local.profile.locks
  logs_region = module.facts.cloud.globalRegion
}

resource "aws_cloudwatch_log_group" "firewall" {
  provider          = aws.edge
  name              = "aws-waf-logs-${local.prefix}" # WAF asks for this beginning
  retention_in_days = local.profile.logDays
  kms_key_id        = module.key.arn
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  provider                = aws.edge
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall.arn]

  dynamic "redacted_fields" { # who signs in is nobody's business
    for_each = toset(["authorization", "cookie", "x-origin-key"])
    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }
}
