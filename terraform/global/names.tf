# The zone, the certificate, and what watches the shop from outside.
resource "aws_route53_zone" "this" {
  name          = local.domain
  comment       = "The shop"
  force_destroy = false
}

resource "aws_acm_certificate" "this" {
  provider          = aws.edge
  domain_name       = local.shop
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  proof = one(aws_acm_certificate.this.domain_validation_options) # one name, one proof
}

resource "aws_route53_record" "proof" {
  zone_id         = aws_route53_zone.this.zone_id
  name            = local.proof.resource_record_name
  type            = local.proof.resource_record_type
  records         = [local.proof.resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  provider                = aws.edge
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [aws_route53_record.proof.fqdn]
}

resource "aws_route53_record" "shop" {
  for_each = toset(["A", "AAAA"])
  zone_id  = aws_route53_zone.this.zone_id
  name     = local.shop
  type     = each.value
  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_record" "origin" {
  zone_id = aws_route53_zone.this.zone_id
  name    = "origin.${local.domain}"
  type    = "A"
  alias {
    name                   = aws_globalaccelerator_accelerator.this.dns_name
    zone_id                = aws_globalaccelerator_accelerator.this.hosted_zone_id
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "issuers" { # nobody else may issue a certificate
  zone_id = aws_route53_zone.this.zone_id
  name    = local.domain
  type    = "CAA"
  ttl     = 3600
  records = ["0 issue \"amazon.com\"", "0 issue \"letsencrypt.org\""]
}

resource "aws_route53_health_check" "shop" {
  fqdn              = local.shop
  type              = "HTTPS"
  port              = 443
  resource_path     = local.edge.healthCheck.path
  request_interval  = 10 # seconds
  failure_threshold = 3
  measure_latency   = true
  tags              = { Name = "${local.prefix}-shop" }
}

resource "aws_sns_topic" "alarms" {
  provider          = aws.edge
  name              = "${local.prefix}-edge-alarms"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sns_topic_subscription" "alarms" {
  provider  = aws.edge
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = "${module.facts.cloud.alerts.mailbox}@${local.domain}"
}

locals { # these metrics are in the region of CloudFront
  alarms = {
    shop-unreachable    = { of = "AWS/Route53", metric = "HealthCheckStatus", below = 1, statistic = "Minimum", with = { HealthCheckId = aws_route53_health_check.shop.id } }
    errors              = { of = "AWS/CloudFront", metric = "5xxErrorRate", above = 1, statistic = "Average", with = { DistributionId = aws_cloudfront_distribution.this.id, Region = "Global" } } # percent
    certificate-expires = { of = "AWS/CertificateManager", metric = "DaysToExpiry", below = 30, statistic = "Minimum", with = { CertificateArn = aws_acm_certificate.this.arn } }
    blocked             = { of = "AWS/WAFV2", metric = "BlockedRequests", above = 10000, statistic = "Sum", with = { WebACL = aws_wafv2_web_acl.this.name, Rule = "ALL" } }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  provider            = aws.edge
  for_each            = local.alarms
  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = "See docs/runbooks: ${each.key}"
  namespace           = each.value.of
  metric_name         = each.value.metric
  dimensions          = each.value.with
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = 2
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  alarm_actions       = [aws_sns_topic.alarms.arn]
}
