# The bastion: one small machine that is made anew when it fails. No SSH, no address outside: Session Manager, with every session recorded.
# Its set-up is the Ansible playbook's.
resource "aws_launch_template" "bastion" {
  name                   = "${local.prefix}-bastion"
  image_id               = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
  instance_type          = "t4g.micro"
  vpc_security_group_ids = [aws_security_group.this["bastion"].id]
  ebs_optimized          = true
  update_default_version = true

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
  description = "The bastion talks to Session Manager and finds the cluster"
  service     = "ec2.amazonaws.com"
  boundary    = local.boundary
  managed     = ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]
  policies    = { cluster = data.aws_iam_policy_document.bastion.json }
}

data "aws_iam_policy_document" "bastion" {
  statement { # what kubectl needs to find the cluster; rights in it belong to people, not to the machine
    actions   = ["eks:DescribeCluster"]
    resources = [aws_eks_cluster.this.arn]
  }
}
