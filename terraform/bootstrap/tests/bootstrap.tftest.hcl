mock_provider "aws" {
  source = "../mocks"
}

run "state" {
  assert {
    condition     = output.state_bucket == "onair-prod-global-state-111122223333" && output.plan_bucket == "onair-prod-global-plans-111122223333"
    error_message = "Buckets follow the naming rule, with the account at the end."
  }
  assert {
    condition     = output.boundary != "" && aws_iam_role.pipeline["apply"].permissions_boundary == aws_iam_policy.boundary.arn
    error_message = "The apply role is within the boundary."
  }
  assert {
    condition     = aws_iam_role.pipeline["plan"].max_session_duration == 3600
    error_message = "A plan's session ends after an hour."
  }
}
