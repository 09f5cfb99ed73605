output "state_bucket" {
  description = "GitHub variable STATE_BUCKET."
  value       = module.bucket["state"].name
}

output "state_region" {
  description = "GitHub variable STATE_REGION."
  value       = module.bucket["state"].region
}

output "plan_bucket" {
  description = "GitHub variable PLAN_BUCKET."
  value       = module.bucket["plans"].name
}

output "roles" {
  description = "GitHub variables PLAN_ROLE (plan) and APPLY_ROLE (apply)."
  value       = { for name, role in aws_iam_role.pipeline : name => role.arn }
}

output "boundary" {
  description = "The permissions boundary that every role must have."
  value       = aws_iam_policy.boundary.arn
}
