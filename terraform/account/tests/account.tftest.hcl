mock_provider "aws" {
  source = "../mocks"
}

run "account" {
  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.enable_log_file_validation
    error_message = "Every region's actions are recorded, and the records signed."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.people : role.max_session_duration == 3600])
    error_message = "A session of a person ends after an hour."
  }
  assert {
    condition     = toset(keys(aws_iam_role.people)) == setunion(module.facts.groups, ["break-glass"])
    error_message = "Each group of people has its role."
  }
}
