# The network of docs/architecture/ip-plan.md: the nodes' range is the VPC's first, the pods' its second. Services' addresses lie outside
# both, as EKS asks. Every tier has a subnet in each zone.
resource "aws_vpc" "this" {
  cidr_block           = local.spec.network.nodes
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = "${local.prefix}-vpc" }
}

resource "aws_vpc_ipv4_cidr_block_association" "pods" {
  vpc_id     = aws_vpc.this.id
  cidr_block = local.spec.network.pods
}

resource "aws_default_security_group" "this" { # no rule: nothing may use it
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.prefix}-unused" }
}

resource "aws_subnet" "this" {
  for_each          = module.facts.subnets
  vpc_id            = aws_vpc.this.id
  availability_zone = each.value.zone
  cidr_block        = each.value.cidr
  tags              = { Name = "${local.prefix}-${each.key}", tier = each.value.tier }

  depends_on = [aws_vpc_ipv4_cidr_block_association.pods]
}

locals {
  # Subnets of each tier by zone letter.
  subnets = {
    for tier in keys(module.facts.tiers) : tier => {
      for letter, zone in local.zones : letter => aws_subnet.this["${tier}-${letter}"].id
    }
  }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.prefix}-internet" }
}

# NAT: a gateway in every zone, or one where a lost zone may cost the lab its way out.
locals {
  nat = local.profile.natPerZone ? local.zones : { (local.first) = local.zones[local.first] }
}

resource "aws_eip" "nat" {
  for_each = local.nat
  domain   = "vpc"
  tags     = { Name = "${local.prefix}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each      = local.nat
  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = local.subnets["public"][each.key]
  tags          = { Name = "${local.prefix}-nat-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

# Routes: public to the internet, db nowhere, the others through their zone's NAT.
resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.prefix}-public" }
}

resource "aws_route" "public" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table" "private" {
  for_each = local.zones
  vpc_id   = aws_vpc.this.id
  tags     = { Name = "${local.prefix}-private-${each.key}" }
}

resource "aws_route" "nat" {
  for_each               = local.zones
  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[contains(keys(local.nat), each.key) ? each.key : local.first].id
}

resource "aws_route_table" "db" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.prefix}-db" }
}

resource "aws_route_table_association" "this" {
  for_each  = module.facts.subnets
  subnet_id = aws_subnet.this[each.key].id
  route_table_id = (
    each.value.tier == "public" ? aws_route_table.public.id :
    each.value.tier == "db" ? aws_route_table.db.id :
    aws_route_table.private[substr(each.value.zone, -1, 1)].id
  )
}

# Who talked to whom is recorded.
resource "aws_flow_log" "this" {
  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL"
  log_destination          = aws_cloudwatch_log_group.this["flows"].arn
  iam_role_arn             = module.flow_log_role.arn
  max_aggregation_interval = 60
  tags                     = { Name = "${local.prefix}-flows" }
}

module "flow_log_role" {
  source       = "../modules/role"
  name         = "${local.prefix}-flow-logs"
  description  = "VPC Flow Logs write to their log group"
  service      = "vpc-flow-logs.amazonaws.com"
  same_account = true
  boundary     = local.boundary
  policies     = { write = data.aws_iam_policy_document.flow_logs.json }
}

data "aws_iam_policy_document" "flow_logs" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    resources = ["${aws_cloudwatch_log_group.this["flows"].arn}:*"]
  }
}
