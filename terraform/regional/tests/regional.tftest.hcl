mock_provider "aws" {
  source = "../mocks"
}

provider "aws" { # never asked: nothing is drawn
  alias                       = "drawing"
  region                      = "xx-mock-1"
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

variables {
  mocked = true
}

run "korea" {
  variables {
    cluster = "prod-kr"
  }
  assert {
    condition     = toset(flatten([for entry in aws_eks_access_entry.people : entry.kubernetes_groups])) == module.facts.groups
    error_message = "Each group of people is that group in the cluster, no more."
  }
  assert {
    condition = aws_sns_topic_subscription.mailbox.protocol == "email" && alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.ok_actions == alarm.alarm_actions
    ])
    error_message = "Every alarm's begin and end is mailed."
  }
  assert {
    condition     = aws_cloudwatch_event_target.chat.rule == aws_cloudwatch_event_rule.alarms.name && strcontains(aws_cloudwatch_event_rule.alarms.event_pattern, "Alarm State Change")
    error_message = "The chat hears of every alarm."
  }
  assert {
    condition     = alltrue([for each in ["cpu", "memory", "disk", "status", "resets"] : anytrue([for name in keys(aws_cloudwatch_metric_alarm.this) : endswith(name, "-${each}")])])
    error_message = "Processor, memory, disk, machines and network have alarms."
  }
  assert { # the network plug-in is Auto Mode's own, the VPC's: pods have addresses of the VPC
    condition     = aws_eks_cluster.this.compute_config[0].enabled && length(setintersection(keys(aws_eks_addon.this), ["vpc-cni", "cilium", "calico"])) == 0
    error_message = "EKS brings the VPC's network plug-in, and nothing takes its place."
  }
  assert {
    condition     = strcontains(base64decode(aws_launch_template.bastion.user_data), "amazon-ssm-agent") && aws_launch_template.bastion.metadata_options[0].http_tokens == "required"
    error_message = "The bastion is entered by Session Manager."
  }
  assert {
    condition     = length(local.proofs) > 0 && aws_eks_pod_identity_association.certificates.role_arn == module.certificates_role.arn
    error_message = "cert-manager may prove the names that the facts have certificates for."
  }
}

run "united_states" {
  command = plan
  variables {
    cluster = "prod-us"
  }
}
