output "platform" {
  description = "spec of clusters/platform/platform.yaml."
  value       = local.platform
}

output "cloud" {
  description = "spec of clusters/platform/cloud.yaml."
  value       = local.cloud
}

output "profile" {
  description = "Sizes and locks of the chosen profile, lab or prod."
  value       = local.cloud.profiles[local.cloud.profile]
}

output "clusters" {
  description = "spec of every cluster in the cloud, by name."
  value       = local.clusters
}

output "cluster" {
  description = "spec of the chosen cluster."
  value       = local.spec

  precondition {
    condition     = var.cluster == null || local.spec != null
    error_message = "There is no cluster '${coalesce(var.cluster, "-")}' in the cloud. Name one of: ${join(", ", keys(local.clusters))} (clusters/<cluster>/facts/cluster.yaml with environment ${local.environment})."
  }
}

output "prefix" {
  description = "What every name begins with, e.g. onair-prod-kr; a name is this, a dash and the resource's role."
  value       = local.prefix
}

output "shared" {
  description = "Prefix of the names of what exists once for all clusters."
  value       = local.shared
}

output "boundary" {
  description = "Name of the permissions boundary that the bootstrap root makes."
  value       = "${local.shared}-boundary"
}

output "tags" {
  description = "Tags of every resource, given to the provider as default_tags."
  value       = merge(local.platform.tags, { environment = local.environment, region = local.region })
}

output "subnets" {
  description = "Subnets by <tier>-<zone letter>: tier, zone and range."
  value       = local.subnets
}

output "tiers" {
  description = "The range of each tier of the network."
  value       = local.tiers
}

output "services" {
  description = "Names of the services that the cluster runs."
  value       = local.services
}

output "secrets" {
  description = "Secrets that the cluster's manifests expect, by namespace/name."
  value = {
    for secret in local.secrets : "${secret.namespace}/${secret.name}" => secret
    if !contains(try(secret.absent, []), local.environment)
  }
}

output "groups" {
  description = "Groups of people: each is a role that its people take, and a group of the same name in the clusters."
  value       = toset(keys(local.people.groups))
}

output "repository" {
  description = "owner/name of the repository that the pipelines run for."
  value       = trimsuffix(replace(local.platform.git[local.environment], "/^https://[^/]+//", ""), ".git")
}
