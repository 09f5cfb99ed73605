# The one door to clusters/: facts are read here, names and tags are made here, and nowhere else.
terraform {
  required_version = "~> 1.11"
}

locals {
  folder   = "${path.module}/../../../clusters"
  platform = yamldecode(file("${local.folder}/platform/platform.yaml")).spec
  cloud    = yamldecode(file("${local.folder}/platform/cloud.yaml")).spec
  absences = yamldecode(file("${local.folder}/platform/absences.yaml")).spec
  secrets  = yamldecode(file("${local.folder}/platform/secrets.yaml")).spec
  people   = yamldecode(file("${local.folder}/platform/people.yaml")).spec

  all = {
    for file in fileset(local.folder, "*/facts/cluster.yaml") :
    split("/", file)[0] => yamldecode(file("${local.folder}/${file}")).spec
  }
  environment = "prod" # local clusters run on a machine, no cloud
  clusters    = { for name, spec in local.all : name => spec if spec.environment == local.environment }

  # A name that is no cluster fails in `cluster`'s precondition, with a clear message, not here.
  spec   = var.cluster == null ? null : lookup(local.clusters, var.cluster, null)
  region = local.spec == null ? "global" : local.spec.region
  prefix = format(local.pattern, local.region)
  shared = format(local.pattern, "global")
  pattern = replace(replace(replace(local.platform.naming.resource,
  "{environment}", local.environment), "{region}", "%s"), "-{role}", "")

  # Each tier is a part of the nodes' or the pods' range; a zone takes one of its quarters.
  tiers = local.spec == null ? {} : {
    for tier, plan in local.cloud.subnets : tier =>
    cidrsubnet(local.spec.network[plan.of], log(plan.parts, 2), plan.part)
  }
  subnets = merge([
    for tier, range in local.tiers : {
      for index, zone in local.spec.zones : "${tier}-${substr(zone, -1, 1)}" => {
        tier = tier
        zone = zone
        cidr = cidrsubnet(range, 2, index)
      }
    }
  ]...)
  services = local.spec == null ? [] : sort([
    for file in fileset(local.folder, "${var.cluster}/apps/*/kustomization.yaml") : split("/", file)[2]
  ])
}
