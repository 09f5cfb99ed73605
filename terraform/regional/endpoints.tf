# AWS's services inside the VPC: what nodes and the bastion need does not go through the internet.
locals {
  gateways = ["dynamodb", "s3"]
  interfaces = [
    "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms", "logs", "secretsmanager",
    "sqs", "ssm", "ssmmessages", "sts",
  ]
}

resource "aws_vpc_endpoint" "gateway" {
  for_each          = toset(local.gateways)
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.${each.value}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat([for table in aws_route_table.private : table.id], [aws_route_table.db.id])
  tags              = { Name = "${local.prefix}-${each.value}" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each            = toset(local.interfaces)
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.region}.${each.value}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = slice(values(local.subnets["cluster"]), 0, local.profile.endpointZones)
  security_group_ids  = [aws_security_group.this["endpoints"].id]
  policy              = data.aws_iam_policy_document.endpoint.json
  tags                = { Name = "${local.prefix}-${replace(each.value, ".", "-")}" }
}

# Only this account's identities: what gets in cannot carry data out with another account's keys.
data "aws_iam_policy_document" "endpoint" {
  statement {
    actions   = ["*"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account]
    }
  }
}
