variable "from" {
  description = "Name of the bucket; its region is the provider's."
  type        = string
}

variable "to" {
  description = "Name of the bucket that gets the copies."
  type        = string

  validation {
    condition     = var.to != var.from
    error_message = "A bucket is copied to another than itself (${var.from})."
  }
}

variable "key" {
  description = "ARN of the key that encrypts the copies, in their region."
  type        = string
}

variable "role" {
  description = "ARN of the role that copies."
  type        = string
}
