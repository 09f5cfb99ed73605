# Envoy's load balancer: internal, reached by Global Accelerator with the client's address kept. Terraform owns it; a TargetGroupBinding in git
# puts the nodes of the web tier into the target group. Streams do not come here: Amazon IVS takes them.
resource "aws_lb" "this" {
  name                             = "${local.prefix}-edge"
  internal                         = true
  load_balancer_type               = "network"
  security_groups                  = [aws_security_group.this["lb"].id]
  subnets                          = values(local.subnets["cluster"])
  enable_cross_zone_load_balancing = false # each zone has its Envoy; traffic between zones costs
  enable_deletion_protection       = local.profile.locks
}

resource "aws_lb_target_group" "this" {
  name                 = "${local.prefix}-edge"
  port                 = local.edge.gatewayNodePort
  protocol             = "TCP"
  target_type          = "instance"
  vpc_id               = aws_vpc.this.id
  preserve_client_ip   = true
  deregistration_delay = local.edge.drainSeconds
  # AWS's policy lets Auto Mode register nodes with groups of its cluster alone, told by this.
  # source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSLoadBalancingPolicy.html
  tags = { "eks:eks-cluster-name" = aws_eks_cluster.this.name }

  health_check {
    protocol            = "HTTPS"
    path                = local.edge.healthCheck.path
    interval            = local.edge.healthCheck.intervalSeconds
    timeout             = local.edge.healthCheck.timeoutSeconds
    healthy_threshold   = local.edge.healthCheck.healthyThreshold
    unhealthy_threshold = local.edge.healthCheck.unhealthyThreshold
    matcher             = "200"
  }
}

locals {
  edge = module.facts.platform.edge
}

resource "aws_lb_listener" "this" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "TCP" # Envoy ends TLS

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
