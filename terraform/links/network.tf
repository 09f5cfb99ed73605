# The way between the regions' networks: routes only; no security group opens anything to the other region until a flow says so.
data "aws_vpc" "home" {
  tags = { Name = "${local.names[local.home]}-vpc" }
}

data "aws_vpc" "peer" {
  provider = aws.peer
  tags     = { Name = "${local.names[local.peer]}-vpc" }
}

resource "aws_vpc_peering_connection" "this" {
  vpc_id      = data.aws_vpc.home.id
  peer_vpc_id = data.aws_vpc.peer.id
  peer_region = module.facts.clusters[local.peer].cloudRegion
  tags        = { Name = "${local.prefix}-peering" }
}

resource "aws_vpc_peering_connection_accepter" "this" {
  provider                  = aws.peer
  vpc_peering_connection_id = aws_vpc_peering_connection.this.id
  auto_accept               = true
  tags                      = { Name = "${local.prefix}-peering" }
}

locals {
  zones  = { for name in [local.home, local.peer] : name => [for zone in module.facts.clusters[name].zones : substr(zone, -1, 1)] }
  ranges = { for name in [local.home, local.peer] : name => module.facts.clusters[name].network }
}

data "aws_route_table" "home" {
  for_each = toset(local.zones[local.home])
  tags     = { Name = "${local.names[local.home]}-private-${each.value}" }
}

data "aws_route_table" "peer" {
  provider = aws.peer
  for_each = toset(local.zones[local.peer])
  tags     = { Name = "${local.names[local.peer]}-private-${each.value}" }
}

resource "aws_route" "home" {
  for_each                  = { for pair in setproduct(local.zones[local.home], ["nodes", "pods"]) : "${pair[0]}-${pair[1]}" => pair }
  route_table_id            = data.aws_route_table.home[each.value[0]].id
  destination_cidr_block    = local.ranges[local.peer][each.value[1]]
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.this.id
}

resource "aws_route" "peer" {
  provider                  = aws.peer
  for_each                  = { for pair in setproduct(local.zones[local.peer], ["nodes", "pods"]) : "${pair[0]}-${pair[1]}" => pair }
  route_table_id            = data.aws_route_table.peer[each.value[0]].id
  destination_cidr_block    = local.ranges[local.home][each.value[1]]
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.this.id
}
