# Everything that is put into a bucket is copied to another region's; deletions too, as markers: old versions stay in both.
terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_s3_bucket_replication_configuration" "this" {
  bucket = var.from
  role   = var.role
  rule {
    id       = "copy"
    status   = "Enabled"
    priority = 1
    filter {
      prefix = ""
    }
    delete_marker_replication {
      status = "Enabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket        = "arn:aws:s3:::${var.to}"
      storage_class = "STANDARD_IA"
      encryption_configuration {
        replica_kms_key_id = var.key
      }
    }
  }
}
