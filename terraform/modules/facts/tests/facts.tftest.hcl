run "korea" {
  command = plan
  variables {
    cluster = "prod-kr"
  }
  assert {
    condition     = output.prefix == "onair-prod-kr" && output.shared == "onair-prod-global"
    error_message = "Names follow spec.naming of the platform."
  }
  assert {
    condition     = length(output.subnets) == length(output.tiers) * length(output.cluster.zones)
    error_message = "Every tier has a subnet in every zone."
  }
  assert {
    condition     = contains(output.services, "order") && !contains(output.services, "origin")
    error_message = "Services are those that the cluster's leaves run."
  }
  assert {
    condition     = contains(keys(output.secrets), "shop/order-db") && !contains(keys(output.secrets), "shop/seller-account")
    error_message = "Secrets that are absent in the cloud are left out."
  }
  assert {
    condition     = contains(output.groups, "platform-admin") && contains(output.groups, "auditor")
    error_message = "Groups are those of the people's file."
  }
}

run "all_clusters" {
  command = plan
  assert {
    condition     = output.prefix == output.shared && output.cluster == null && length(output.clusters) == 2
    error_message = "Without a cluster, names are those of what exists once."
  }
}

run "a_cluster_of_another_environment" {
  command = plan
  variables {
    cluster = "local-kr"
  }
  expect_failures = [output.cluster]
}
