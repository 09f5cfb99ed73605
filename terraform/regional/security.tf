# Security groups, one a peer of the flow matrix (spec.flows of clusters/platform/cloud.yaml); every rule is a line of it.
locals {
  groups = toset(["lb", "web", "was", "db", "cluster", "endpoints", "bastion"])
  flows = {
    for flow in module.facts.cloud.flows : "${flow.from}-${flow.to}-${flow.port}" => merge(flow, {
      number = flow.port == "any" ? null : try(tonumber(flow.port), module.facts.platform.edge[flow.port])
    })
  }
  group_ids = { for name, group in aws_security_group.this : name => group.id }
}

resource "aws_security_group" "this" {
  for_each    = local.groups
  name        = "${local.prefix}-${each.key}"
  description = "The ${each.key} peer of the flow matrix"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${local.prefix}-${each.key}", tier = each.key }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each                     = { for name, flow in local.flows : name => flow if contains(local.groups, flow.from) && contains(local.groups, flow.to) }
  security_group_id            = local.group_ids[each.value.to]
  referenced_security_group_id = local.group_ids[each.value.from]
  ip_protocol                  = each.value.port == "any" ? "-1" : "tcp"
  from_port                    = each.value.number
  to_port                      = each.value.number
  description                  = "${each.value.from} to ${each.value.to}"
  tags                         = { Name = "${local.prefix}-${lower(each.key)}" }
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each                     = { for name, flow in local.flows : name => flow if contains(local.groups, flow.from) && contains(local.groups, flow.to) }
  security_group_id            = local.group_ids[each.value.from]
  referenced_security_group_id = local.group_ids[each.value.to]
  ip_protocol                  = each.value.port == "any" ? "-1" : "tcp"
  from_port                    = each.value.number
  to_port                      = each.value.number
  description                  = "${each.value.from} to ${each.value.to}"
  tags                         = { Name = "${local.prefix}-${lower(each.key)}" }
}

# What is no group: CloudFront's addresses, S3's and DynamoDB's gateways, and the internet through NAT.
data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_vpc_security_group_ingress_rule" "edge" {
  for_each          = { for name, flow in local.flows : name => flow if flow.from == "edge" }
  security_group_id = local.group_ids[each.value.to]
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
  ip_protocol       = "tcp"
  from_port         = each.value.number
  to_port           = each.value.number
  description       = "CloudFront only"
  tags              = { Name = "${local.prefix}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "internet" {
  for_each          = { for name, flow in local.flows : name => flow if flow.to == "internet" }
  security_group_id = local.group_ids[each.value.from]
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value.number
  to_port           = each.value.number
  description       = "Through NAT"
  tags              = { Name = "${local.prefix}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "gateway" {
  for_each = {
    for pair in setproduct([for flow in local.flows : flow.from if flow.to == "endpoints"], local.gateways) :
    "${pair[0]}-${pair[1]}" => { from = pair[0], service = pair[1] }
  }
  security_group_id = local.group_ids[each.value.from]
  prefix_list_id    = aws_vpc_endpoint.gateway[each.value.service].prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "${each.value.service} through its gateway"
  tags              = { Name = "${local.prefix}-${each.key}" }
}
