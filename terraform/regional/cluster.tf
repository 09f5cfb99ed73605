# EKS Auto Mode: AWS runs nodes, network, volumes and load balancing; NodeClass and NodePool of each tier come from git. The API server is
# reached inside the VPC only, by its own security group.
resource "aws_eks_cluster" "this" {
  name     = "${local.prefix}-eks"
  role_arn = module.cluster_role.arn
  version  = regex("^\\d+\\.\\d+", module.facts.platform.versions.kubernetes)

  bootstrap_self_managed_addons = false
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }
  compute_config {
    enabled = true # no pool of EKS's own: ours stand in a tier each
  }
  storage_config {
    block_storage {
      enabled = true
    }
  }
  kubernetes_network_config {
    service_ipv4_cidr = local.spec.network.services
    elastic_load_balancing {
      enabled = true
    }
  }
  vpc_config {
    subnet_ids              = values(local.subnets["cluster"])
    security_group_ids      = [aws_security_group.this["cluster"].id]
    endpoint_private_access = true
    endpoint_public_access  = false
  }
  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = module.key["cluster"].arn
    }
  }
  upgrade_policy {
    support_type = "STANDARD" # upgraded in time: extended support costs six times as much
  }
  zonal_shift_config {
    enabled = true
  }

  depends_on = [aws_cloudwatch_log_group.this] # EKS would make its own, without key and end
}

module "cluster_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-eks-cluster"
  description = "EKS Auto Mode makes nodes, volumes and network interfaces"
  service     = "eks.amazonaws.com"
  actions     = ["sts:AssumeRole", "sts:TagSession"]
  boundary    = local.boundary
  managed = [
    "AmazonEKSClusterPolicy", "AmazonEKSComputePolicy", "AmazonEKSBlockStoragePolicy", "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
  ]
  policies = { tags = data.aws_iam_policy_document.auto_mode_tags.json }
}

# AWS's policies let Auto Mode set its own tags alone; NodeClass and StorageClass add ours. Only beside its own, so only on what it makes.
# source: https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html#tag-prop
data "aws_iam_policy_document" "auto_mode_tags" {
  statement {
    sid       = "Nodes"
    actions   = ["ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateLaunchTemplate"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/eks:eks-cluster-name"
      values   = ["$${aws:PrincipalTag/eks:eks-cluster-name}"]
    }
    condition {
      test     = "StringLike"
      variable = "aws:RequestTag/eks:kubernetes-node-class-name"
      values   = ["*"]
    }
    condition {
      test     = "StringLike"
      variable = "aws:RequestTag/eks:kubernetes-node-pool-name"
      values   = ["*"]
    }
  }
  statement {
    sid       = "Volumes"
    actions   = ["ec2:CreateVolume", "ec2:CreateSnapshot"]
    resources = ["arn:aws:ec2:*:*:volume/*", "arn:aws:ec2:*:*:snapshot/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/eks:eks-cluster-name"
      values   = ["$${aws:PrincipalTag/eks:eks-cluster-name}"]
    }
  }
}

module "node_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-eks-node"
  description = "Nodes join their cluster and pull images"
  service     = "ec2.amazonaws.com"
  boundary    = local.boundary
  managed     = ["AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"]
}

# Who may do what in the cluster: nodes by their role; people by the role that they took with MFA, which is a group there, whose rights
# come from git (infrastructure/access) and are the same as in every other region.
resource "aws_eks_access_entry" "node" {
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = module.node_role.arn
  type          = "EC2"
}

resource "aws_eks_access_policy_association" "node" {
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.node.principal_arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy"
  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_entry" "people" {
  for_each          = module.facts.groups
  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = "arn:aws:iam::${local.account}:role/${module.facts.shared}-${each.key}"
  kubernetes_groups = [each.key]
}

# Day 0, when git's rights are not there yet, and emergencies: its use rings.
resource "aws_eks_access_entry" "break_glass" {
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = "arn:aws:iam::${local.account}:role/${module.facts.shared}-break-glass"
}

resource "aws_eks_access_policy_association" "break_glass" {
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.break_glass.principal_arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
  access_scope {
    type = "cluster"
  }
}

locals {
  addon_settings = {
    # Makes Secrets of what pods mount, on the nodes of every tier.
    aws-secrets-store-csi-driver-provider = {
      tolerations              = [{ operator = "Exists" }]
      secrets-store-csi-driver = { syncSecret = { enabled = true } }
    }
    # It sees its records by the node's resolver: asking the zone's own servers would take another way into the internet.
    cert-manager = { dns01RecursiveNameserversOnly = true }
  }
}

resource "aws_eks_addon" "this" {
  for_each                    = toset(module.facts.cloud.addons)
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.value
  configuration_values        = contains(keys(local.addon_settings), each.value) ? jsonencode(local.addon_settings[each.value]) : null
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}
