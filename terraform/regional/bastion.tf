# The bastion: one small machine that is made anew when it fails. No SSH, no address outside: Session Manager, with every session recorded.
# Its set-up is the Ansible playbook's (infrastructure/bastion), which comes through Session Manager and wants Debian 12.
locals {
  # Debian's image has no agent of Session Manager's, and the playbook comes through it.
  # source: https://docs.aws.amazon.com/systems-manager/latest/userguide/agent-install-deb.html
  bastion_first_boot = <<-EOT
    #!/bin/sh
    set -eu
    agent=https://s3.${local.region}.amazonaws.com/amazon-ssm-${local.region}/latest/debian_arm64/amazon-ssm-agent.deb
    python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' "$agent" /run/agent.deb
    dpkg --install /run/agent.deb
    systemctl enable --now amazon-ssm-agent
  EOT
}

resource "aws_launch_template" "bastion" {
  name                   = "${local.prefix}-bastion"
  image_id               = "resolve:ssm:/aws/service/debian/release/12/latest/arm64" # https://wiki.debian.org/Cloud/AmazonEC2Image/Bookworm
  instance_type          = "t4g.micro"
  vpc_security_group_ids = [aws_security_group.this["bastion"].id]
  ebs_optimized          = true
  update_default_version = true
  user_data              = base64encode(local.bastion_first_boot)

  iam_instance_profile {
    arn = aws_iam_instance_profile.bastion.arn
  }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  monitoring {
    enabled = true
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type           = "gp3"
      volume_size           = 16 # GiB
      encrypted             = true
      kms_key_id            = module.key["cluster"].arn
      delete_on_termination = true
    }
  }
  dynamic "tag_specifications" { # what a launch template makes gets no default tags
    for_each = toset(["instance", "volume"])
    content {
      resource_type = tag_specifications.value
      tags          = merge(module.facts.tags, { Name = "${local.prefix}-bastion", backup = "daily" })
    }
  }
}

resource "aws_autoscaling_group" "bastion" {
  name                      = "${local.prefix}-bastion"
  min_size                  = 1
  max_size                  = 1
  vpc_zone_identifier       = values(local.subnets["cluster"])
  health_check_type         = "EC2"
  wait_for_capacity_timeout = "0"

  launch_template {
    id      = aws_launch_template.bastion.id
    version = aws_launch_template.bastion.latest_version
  }
  dynamic "tag" {
    for_each = module.facts.tags
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false
    }
  }
}

resource "aws_iam_instance_profile" "bastion" {
  name = "${local.prefix}-bastion"
  role = module.bastion_role.name
}

module "bastion_role" {
  source      = "../modules/role"
  name        = "${local.prefix}-bastion"
  description = "The bastion talks to Session Manager, finds the cluster, and keeps its backups and records"
  service     = "ec2.amazonaws.com"
  boundary    = local.boundary
  managed     = ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]
  policies    = { cluster = data.aws_iam_policy_document.bastion.json }
}

data "aws_iam_policy_document" "bastion" {
  source_policy_documents = [data.aws_iam_policy_document.through["s3"].json]
  statement { # what kubectl needs to find the cluster; rights in it belong to people, not to the machine
    actions   = ["eks:DescribeCluster"]
    resources = [aws_eks_cluster.this.arn]
  }
  statement { # restic keeps, reads back and forgets backups; versions that it forgot stay for a month, and it cannot remove those
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${module.bucket["bastion"].arn}/restic/*"]
  }
  statement {
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [module.bucket["bastion"].arn]
  }
}

# What the backups are encrypted with. The playbook's runner reads it (rights in cloud.yaml); the machine's own role may not.
resource "aws_secretsmanager_secret" "bastion_backup" {
  name                    = "${local.prefix}-bastion-backup"
  description             = "Password of the bastion's backups: without it they are lost"
  kms_key_id              = module.key["secrets"].arn
  recovery_window_in_days = local.profile.locks ? 30 : 0
}

ephemeral "aws_secretsmanager_random_password" "bastion_backup" {
  provider            = aws.drawing
  for_each            = toset(var.mocked ? [] : ["drawn"])
  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "bastion_backup" {
  secret_id                = aws_secretsmanager_secret.bastion_backup.id
  secret_string_wo         = var.mocked ? "mocked" : ephemeral.aws_secretsmanager_random_password.bastion_backup["drawn"].random_password
  secret_string_wo_version = 1
}
