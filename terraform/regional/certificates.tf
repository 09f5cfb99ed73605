# The gateway's certificate (infrastructure/certificates): cert-manager proves to a public authority that the names are ours, by records in
# the zone. It may write those records alone; the zone itself is made after the regions, so the names stand here and not its ARN.
locals {
  proofs = toset(flatten([
    for secret in values(module.facts.secrets) : [for name in try(secret.certificate, []) : "_acme-challenge.${name}.${module.facts.platform.domains.prod}"]
  ]))
}

module "certificates_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-certificates"
  description = "cert-manager proves names by records in the zone"
  service     = "pods.eks.amazonaws.com"
  boundary    = local.boundary
  policies    = { zone = data.aws_iam_policy_document.proofs.json }
}

# source: https://cert-manager.io/docs/configuration/acme/dns01/route53/, narrowed to the names by
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html
data "aws_iam_policy_document" "proofs" {
  statement {
    sid       = "Finds"
    actions   = ["route53:ListHostedZonesByName"]
    resources = ["*"]
  }
  statement {
    sid       = "Sees"
    actions   = ["route53:ListResourceRecordSets", "route53:GetChange"]
    resources = ["arn:aws:route53:::hostedzone/*", "arn:aws:route53:::change/*"]
  }
  statement {
    sid       = "Proves"
    actions   = ["route53:ChangeResourceRecordSets"]
    resources = ["arn:aws:route53:::hostedzone/*"]
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
      values   = local.proofs
    }
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "route53:ChangeResourceRecordSetsRecordTypes"
      values   = ["TXT"]
    }
  }
}

resource "aws_eks_pod_identity_association" "certificates" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "cert-manager"
  service_account = "cert-manager"
  role_arn        = module.certificates_role.arn
}
