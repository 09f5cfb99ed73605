# A second line behind the security groups, by subnet: the databases are reached from where pods and nodes of the was tier and the bastion
# stand, and answer there; the other tiers talk with the VPC and get answers from outside, but nobody outside opens a connection to them.
locals {
  private = [for tier in keys(module.facts.tiers) : tier if !contains(["db", "public", "cluster"], tier)]
  vpc     = [local.spec.network.nodes, local.spec.network.pods]
  callers = [module.facts.tiers["was"], module.facts.tiers["was-pods"], module.facts.tiers["cluster"]] # the bastion stands in cluster

  high = { from = 1024, to = 65535 } # answers go to ports above 1023
  acl_rules = {
    db = concat(
      [for cidr in local.callers : { egress = false, cidr = cidr, from = 5432, to = 5432 }],
      [for cidr in local.callers : { egress = false, cidr = cidr, from = 6379, to = 6379 }],
      [for cidr in local.callers : merge(local.high, { egress = true, cidr = cidr })],
      [merge(local.high, { egress = false, cidr = module.facts.tiers["db"] }), merge(local.high, { egress = true, cidr = module.facts.tiers["db"] })],
    )
    public = concat(
      [for cidr in local.vpc : { egress = false, cidr = cidr, from = 443, to = 443 }],
      [for cidr in local.vpc : merge(local.high, { egress = true, cidr = cidr })],
      [merge(local.high, { egress = false, cidr = "0.0.0.0/0" }), { egress = true, cidr = "0.0.0.0/0", from = 443, to = 443 }],
    )
    cluster = concat( # CloudFront comes from outside, with its own addresses; the load balancer's security group knows them
      [for cidr in local.vpc : { egress = false, cidr = cidr, from = 0, to = 65535 }],
      [for cidr in local.vpc : { egress = true, cidr = cidr, from = 0, to = 65535 }],
      [{ egress = false, cidr = "0.0.0.0/0", from = 443, to = 443 }, merge(local.high, { egress = true, cidr = "0.0.0.0/0" })],
    )
    private = concat(
      [for cidr in local.vpc : { egress = false, cidr = cidr, from = 0, to = 65535 }],
      [for cidr in local.vpc : { egress = true, cidr = cidr, from = 0, to = 65535 }],
      [
        merge(local.high, { egress = false, cidr = "0.0.0.0/0" }),
        { egress = true, cidr = "0.0.0.0/0", from = 443, to = 443 },
        merge(local.high, { egress = true, cidr = "0.0.0.0/0" }),
      ],
    )
  }
}

resource "aws_network_acl" "this" {
  for_each   = { db = ["db"], public = ["public"], cluster = ["cluster"], private = local.private }
  vpc_id     = aws_vpc.this.id
  subnet_ids = [for name, subnet in module.facts.subnets : aws_subnet.this[name].id if contains(each.value, subnet.tier)]
  tags       = { Name = "${local.prefix}-${each.key}" }
}

resource "aws_network_acl_rule" "this" {
  for_each = merge([
    for acl, rules in local.acl_rules : { for index, rule in rules : "${acl}-${index}" => merge(rule, { acl = acl, number = 100 + index }) }
  ]...)
  network_acl_id = aws_network_acl.this[each.value.acl].id
  egress         = each.value.egress
  rule_number    = each.value.number
  rule_action    = "allow"
  protocol       = "tcp"
  cidr_block     = each.value.cidr
  from_port      = each.value.from
  to_port        = each.value.to
}

resource "aws_default_network_acl" "this" { # no rule: a subnet without an ACL of its own is cut off
  default_network_acl_id = aws_vpc.this.default_network_acl_id
  tags                   = { Name = "${local.prefix}-unused" }

  lifecycle {
    ignore_changes = [subnet_ids]
  }
}
