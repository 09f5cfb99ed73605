# Pod Identity: every service has a role of its own, which reads the secrets that its manifests name and uses what it works with.
locals {
  services  = toset(module.facts.services)
  manifests = { for name in local.services : name => join("\n", [for file in fileset(path.module, "../../apps/${name}/base/*.yaml") : file(file)]) }
  # Secrets by the service that names them.
  reads = {
    for name in local.services : name => [for key, secret in local.secrets : key if strcontains(local.manifests[name], "secretRef: {name: ${secret.name}}")]
  }
  # Migrations have a ServiceAccount of their own, with the same secrets.
  accounts = merge(
    { for name in local.services : name => name },
    { for name in local.services : "${name}-migrate" => name if strcontains(local.manifests[name], "serviceAccountName: ${name}-migrate") },
  )
}

module "service_role" {
  source      = "../modules/role"
  for_each    = local.services
  name        = "${local.prefix}-${each.key}"
  description = "Pods of ${each.key}"
  service     = "pods.eks.amazonaws.com"
  boundary    = local.boundary
  policies = merge(
    { secrets = data.aws_iam_policy_document.secrets[each.key].json },
    each.key == "worker" ? { queue = data.aws_iam_policy_document.queue.json } : {},
    each.key == "live" ? { channel = data.aws_iam_policy_document.channel.json } : {},
  )
}

data "aws_iam_policy_document" "secrets" {
  for_each                = local.services
  source_policy_documents = [data.aws_iam_policy_document.through["secretsmanager"].json]
  statement {
    sid     = "ItsSecrets"
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    # A secret's ARN ends in six characters that nobody knows before; a shared one is a replica in one of the two regions.
    resources = [for key in local.reads[each.key] : "arn:aws:secretsmanager:${local.region}:${local.account}:secret:${local.secret_names[key]}-??????"]
  }
}

data "aws_iam_policy_document" "queue" {
  source_policy_documents = [data.aws_iam_policy_document.through["sqs"].json]
  statement {
    actions   = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.orders.arn]
  }
}

data "aws_iam_policy_document" "channel" {
  statement { # both regions' channels are shown in both
    actions   = ["ivs:GetChannel", "ivs:GetStream"]
    resources = [for spec in values(module.facts.clusters) : "arn:aws:ivs:${spec.cloudRegion}:${local.account}:channel/*"]
  }
}

resource "aws_eks_pod_identity_association" "this" {
  for_each        = local.accounts
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "shop"
  service_account = each.key
  role_arn        = module.service_role[each.value].arn
}

# The CloudWatch add-on ships metrics and the logs of all containers.
module "observability_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-observability"
  description = "The CloudWatch agent writes metrics and logs"
  service     = "pods.eks.amazonaws.com"
  boundary    = local.boundary
  managed     = ["CloudWatchAgentServerPolicy"]
}

resource "aws_eks_pod_identity_association" "observability" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "amazon-cloudwatch"
  service_account = "cloudwatch-agent"
  role_arn        = module.observability_role.arn
}
