# State and saved plans hold secrets: encrypted by a key of their own, by TLS only, every version kept.
module "key" {
  source      = "../modules/key"
  name        = "${local.prefix}-state"
  description = "Terraform's state and saved plans"
  locks       = module.facts.profile.locks
}

module "bucket" {
  for_each         = { state = 0, plans = 30 } # days after which an object is of no use; 0: never
  source           = "../modules/bucket"
  name             = "${local.prefix}-${each.key}-${local.account}"
  locks            = module.facts.profile.locks
  key_arn          = module.key.arn
  expire_days      = each.value
  old_version_days = 365
}
