# A private bucket: encrypted, versioned, by TLS only, with no ACLs, and with an end to what is old.
terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_s3_bucket" "this" {
  bucket              = var.name
  force_destroy       = !var.locks
  object_lock_enabled = var.locked_days > 0
  tags                = var.backup ? { backup = "daily" } : {}
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.bucket
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket
  rule {
    bucket_key_enabled = var.key_arn != null
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.bucket
  rule {
    object_ownership = var.acl_writer ? "BucketOwnerPreferred" : "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  for_each = toset(var.locked_days > 0 ? ["this"] : [])
  bucket   = aws_s3_bucket_versioning.this.bucket
  rule {
    default_retention {
      mode = "COMPLIANCE"
      days = var.locked_days
    }
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each      = toset(var.log_bucket == null ? [] : ["this"])
  bucket        = aws_s3_bucket.this.bucket
  target_bucket = var.log_bucket
  target_prefix = "${var.name}/"
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket_versioning.this.bucket
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
    noncurrent_version_expiration {
      noncurrent_days = var.old_version_days
    }
    dynamic "transition" {
      for_each = var.cold_after_days > 0 ? [var.cold_after_days] : []
      content {
        days          = transition.value
        storage_class = "DEEP_ARCHIVE"
      }
    }
    dynamic "expiration" {
      for_each = var.expire_days > 0 ? [var.expire_days] : []
      content {
        days = expiration.value
      }
    }
  }
}

data "aws_iam_policy_document" "this" {
  source_policy_documents = var.policies
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket     = aws_s3_bucket.this.bucket
  policy     = data.aws_iam_policy_document.this.json
  depends_on = [aws_s3_bucket_public_access_block.this] # S3 refuses two changes of one bucket at a time
}
