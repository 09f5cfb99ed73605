variable "name" {
  description = "Name by the naming rule; with the account's id at its end, as names of buckets are the world's."
  type        = string
}

variable "locks" {
  description = "Whether it stays as long as something lies in it."
  type        = bool
}

variable "key_arn" {
  description = "Key that encrypts it; null for S3's own, which writers of access logs need."
  type        = string
  default     = null
}

variable "log_bucket" {
  description = "Bucket that gets the access logs; null for none."
  type        = string
  default     = null
}

variable "acl_writer" {
  description = "Whether a service of AWS writes into it by an ACL (CloudFront's standard logs do)."
  type        = bool
  default     = false
}

variable "policies" {
  description = "JSON policies beside that for TLS."
  type        = list(string)
  default     = []
}

variable "old_version_days" {
  description = "Days that a replaced or deleted object is kept."
  type        = number
  default     = 30
}

variable "cold_after_days" {
  description = "Days after which an object goes to cold storage; 0 for never."
  type        = number
  default     = 0
}

variable "expire_days" {
  description = "Days after which an object is deleted; 0 for never."
  type        = number
  default     = 0

  validation {
    condition     = var.expire_days == 0 || var.expire_days > var.cold_after_days
    error_message = "expire_days must be above cold_after_days: objects would be paid for in cold storage and never lie there."
  }
}

variable "locked_days" {
  description = "Days that nobody, not even the account's root, can delete an object; 0 for no lock."
  type        = number
  default     = 0
}

variable "backup" {
  description = "Whether AWS Backup takes it every day, and copies it to the other region."
  type        = bool
  default     = false
}
