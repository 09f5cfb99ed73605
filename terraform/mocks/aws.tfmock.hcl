# What the provider checks the form of: ARNs and JSON. Everything else is made up by Terraform.
mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}
mock_data "aws_iam_policy_document" {
  defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
}
mock_data "aws_ec2_managed_prefix_list" {
  defaults = { id = "pl-0123456789abcdef0" }
}
mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:xx-mock-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
}
mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
}
mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::111122223333:policy/mock" }
}
mock_resource "aws_iam_openid_connect_provider" {
  defaults = { arn = "arn:aws:iam::111122223333:oidc-provider/mock" }
}
mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::mock" }
}
mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:xx-mock-1:111122223333:log-group:mock" }
}
mock_resource "aws_eks_cluster" {
  defaults = { arn = "arn:aws:eks:xx-mock-1:111122223333:cluster/mock" }
}
mock_resource "aws_lb" {
  defaults = { arn = "arn:aws:elasticloadbalancing:xx-mock-1:111122223333:loadbalancer/net/mock/0123456789abcdef" }
}
mock_resource "aws_lb_target_group" {
  defaults = { arn = "arn:aws:elasticloadbalancing:xx-mock-1:111122223333:targetgroup/mock/0123456789abcdef" }
}
mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:xx-mock-1:111122223333:mock" }
}
mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:xx-mock-1:111122223333:mock" }
}
mock_resource "aws_ivs_recording_configuration" {
  defaults = { arn = "arn:aws:ivs:xx-mock-1:111122223333:recording-configuration/abcdefghijkl" }
}
mock_resource "aws_ivs_channel" {
  defaults = { arn = "arn:aws:ivs:xx-mock-1:111122223333:channel/abcdefghijkl" }
}
mock_resource "aws_iam_instance_profile" {
  defaults = { arn = "arn:aws:iam::111122223333:instance-profile/mock" }
}
mock_resource "aws_cloudwatch_event_connection" {
  defaults = { arn = "arn:aws:events:xx-mock-1:111122223333:connection/mock/0" }
}
mock_resource "aws_cloudwatch_event_api_destination" {
  defaults = { arn = "arn:aws:events:xx-mock-1:111122223333:api-destination/mock/0" }
}
mock_resource "aws_rds_cluster" {
  defaults = { arn = "arn:aws:rds:xx-mock-1:111122223333:cluster:mock" }
}
mock_resource "aws_backup_vault" {
  defaults = { arn = "arn:aws:backup:xx-mock-1:111122223333:backup-vault:mock" }
}
mock_data "aws_secretsmanager_random_password" {
  defaults = { random_password = "mock0mock0mock0mock0mock0mock0mock0mock0mock" }
}
mock_resource "aws_launch_template" {
  defaults = { id = "lt-0123456789abcdef0" }
}
mock_resource "aws_cloudtrail" {
  defaults = { arn = "arn:aws:cloudtrail:xx-mock-1:111122223333:trail/mock" }
}
mock_resource "aws_ce_anomaly_monitor" {
  defaults = { arn = "arn:aws:ce::111122223333:anomalymonitor/mock" }
}
mock_resource "aws_globalaccelerator_accelerator" {
  defaults = { arn = "arn:aws:globalaccelerator::111122223333:accelerator/11111111-2222-3333-4444-555555555555", id = "arn:aws:globalaccelerator::111122223333:accelerator/11111111-2222-3333-4444-555555555555" }
}
mock_resource "aws_globalaccelerator_listener" {
  defaults = { arn = "arn:aws:globalaccelerator::111122223333:accelerator/11111111-2222-3333-4444-555555555555/listener/mock", id = "arn:aws:globalaccelerator::111122223333:accelerator/11111111-2222-3333-4444-555555555555/listener/mock" }
}
mock_data "aws_lb" {
  defaults = { arn = "arn:aws:elasticloadbalancing:xx-mock-1:111122223333:loadbalancer/net/mock/0123456789abcdef" }
}
mock_resource "aws_wafv2_web_acl" {
  defaults = { arn = "arn:aws:wafv2:xx-mock-1:111122223333:global/webacl/mock/11111111-2222-3333-4444-555555555555" }
}
mock_resource "aws_acm_certificate" {
  defaults = {
    arn                       = "arn:aws:acm:xx-mock-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
    domain_validation_options = [{ domain_name = "mock.invalid", resource_record_name = "_proof.mock.invalid", resource_record_type = "CNAME", resource_record_value = "_value.mock.invalid" }]
  }
}
mock_resource "aws_acm_certificate_validation" {
  defaults = { certificate_arn = "arn:aws:acm:xx-mock-1:111122223333:certificate/11111111-2222-3333-4444-555555555555" }
}
mock_data "aws_kms_alias" {
  defaults = { target_key_arn = "arn:aws:kms:xx-mock-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
}
mock_data "aws_rds_cluster" {
  defaults = { arn = "arn:aws:rds:xx-mock-1:111122223333:cluster:mock", engine = "aurora-postgresql", engine_version = "16.8" }
}
mock_data "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::mock" }
}
mock_data "aws_ssoadmin_instances" {
  defaults = { arns = ["arn:aws:sso:::instance/ssoins-0123456789abcdef"], identity_store_ids = ["d-0123456789"] }
}
mock_resource "aws_ssoadmin_permission_set" {
  defaults = { arn = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef" }
}
mock_resource "aws_guardduty_detector" {
  defaults = { id = "00000000000000000000000000000000" }
}
mock_resource "aws_organizations_organizational_unit" {
  defaults = { id = "ou-mock-12345678" }
}
