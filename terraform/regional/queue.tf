# The worker's queue; a message that fails five times lies in the other one for two weeks, and rings.
resource "aws_sqs_queue" "orders" {
  name                       = "${local.prefix}-orders"
  kms_master_key_id          = module.key["data"].id
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "failed" {
  name                      = "${local.prefix}-orders-failed"
  kms_master_key_id         = module.key["data"].id
  message_retention_seconds = 1209600 # two weeks, the longest that SQS keeps
}

resource "aws_sqs_queue_redrive_allow_policy" "failed" {
  queue_url = aws_sqs_queue.failed.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.orders.arn]
  })
}
