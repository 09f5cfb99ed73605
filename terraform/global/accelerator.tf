# Global Accelerator: CloudFront's origin. Two addresses of AWS's own network, the nearest region whose load balancer is healthy behind them.
data "aws_lb" "home" {
  name = "${local.names[local.home]}-edge"
}

data "aws_lb" "peer" {
  provider = aws.peer
  name     = "${local.names[local.peer]}-edge"
}

resource "aws_globalaccelerator_accelerator" "this" {
  name            = "${local.prefix}-accelerator"
  ip_address_type = "IPV4"
  enabled         = true

  attributes {
    flow_logs_enabled   = true
    flow_logs_s3_bucket = module.logs.name
    flow_logs_s3_prefix = "accelerator/"
  }
}

resource "aws_globalaccelerator_listener" "this" {
  accelerator_arn = aws_globalaccelerator_accelerator.this.arn
  protocol        = "TCP"
  port_range {
    from_port = 443
    to_port   = 443
  }
}

resource "aws_globalaccelerator_endpoint_group" "this" {
  for_each                = { (local.home) = data.aws_lb.home.arn, (local.peer) = data.aws_lb.peer.arn }
  listener_arn            = aws_globalaccelerator_listener.this.arn
  endpoint_group_region   = module.facts.clusters[each.key].cloudRegion
  traffic_dial_percentage = 100
  endpoint_configuration {
    endpoint_id                    = each.value
    weight                         = 128
    client_ip_preservation_enabled = true
  }
}
