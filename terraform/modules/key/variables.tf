variable "name" {
  description = "Name by the naming rule."
  type        = string
}

variable "description" {
  description = "What is encrypted by it."
  type        = string
}

variable "locks" {
  description = "Whether a deletion can be taken back for as long as possible."
  type        = bool
}

variable "services" {
  description = "Service principals that use the key on their own, in this account."
  type        = list(string)
  default     = []
}

variable "logs_region" {
  description = "Region whose CloudWatch log groups are encrypted by it; null for none."
  type        = string
  default     = null
}
