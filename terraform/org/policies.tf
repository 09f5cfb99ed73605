# What nobody in an account of ours may do, its administrators included.
locals {
  regions = concat([for spec in values(module.facts.clusters) : spec.cloudRegion], [module.facts.cloud.globalRegion])
  policies = {
    regions = {
      description = "Nothing outside our regions"
      statements = [{
        Sid    = "OurRegionsOnly"
        Effect = "Deny"
        NotAction = [ # services that are everywhere
          "iam:*", "organizations:*", "route53:*", "cloudfront:*", "globalaccelerator:*", "wafv2:*", "budgets:*", "ce:*", "sts:*", "support:*",
          "health:*", "sso:*", "identitystore:*", "account:*", "kms:Describe*", "s3:ListAllMyBuckets", "s3:GetAccountPublicAccessBlock",
        ]
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:RequestedRegion" = local.regions } }
      }]
    }
    root = {
      description = "Nobody works as root"
      statements = [{
        Sid       = "NoRoot"
        Effect    = "Deny"
        Action    = "*"
        Resource  = "*"
        Condition = { StringLike = { "aws:PrincipalArn" = "arn:aws:iam::*:root" } }
      }]
    }
    records = {
      description = "Nobody switches off what records and watches, or leaves"
      statements = [{
        Sid    = "RecordsStay"
        Effect = "Deny"
        Action = [
          "cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "config:DeleteConfigurationRecorder",
          "config:StopConfigurationRecorder", "config:DeleteDeliveryChannel", "guardduty:DeleteDetector", "guardduty:UpdateDetector",
          "securityhub:DisableSecurityHub", "access-analyzer:DeleteAnalyzer", "organizations:LeaveOrganization",
        ]
        Resource = "*"
      }]
    }
    storage = {
      description = "Nothing is stored unencrypted or made public"
      statements = [
        {
          Sid       = "VolumesAreEncrypted"
          Effect    = "Deny"
          Action    = ["ec2:CreateVolume", "ec2:RunInstances"]
          Resource  = "arn:aws:ec2:*:*:volume/*"
          Condition = { Bool = { "ec2:Encrypted" = "false" } }
        },
        {
          Sid       = "DatabasesAreEncrypted"
          Effect    = "Deny"
          Action    = ["rds:CreateDBCluster", "rds:CreateDBInstance"]
          Resource  = "*"
          Condition = { Bool = { "rds:StorageEncrypted" = "false" } }
        },
        {
          Sid      = "TheAccountsBlockStays"
          Effect   = "Deny"
          Action   = ["s3:PutAccountPublicAccessBlock", "ec2:DisableEbsEncryptionByDefault"]
          Resource = "*"
        },
      ]
    }
  }
}
