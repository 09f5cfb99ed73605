# The show's stream: Amazon IVS takes it by RTMPS, packages it, serves it and records it.
resource "aws_ivs_recording_configuration" "this" {
  name                               = "${local.prefix}-live"
  recording_reconnect_window_seconds = 60

  destination_configuration {
    s3 {
      bucket_name = module.bucket["media"].name
    }
  }
  thumbnail_configuration {
    recording_mode          = "INTERVAL"
    target_interval_seconds = 30
  }
}

resource "aws_ivs_channel" "this" {
  name                        = "${local.prefix}-live"
  type                        = "STANDARD"
  latency_mode                = "LOW"
  authorized                  = false # shows are public
  recording_configuration_arn = aws_ivs_recording_configuration.this.arn
}
