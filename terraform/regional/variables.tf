variable "cluster" {
  description = "The cluster, e.g. prod-kr; the workspace's name where it is null."
  type        = string
  default     = null
}

variable "emulated" {
  description = "Whether an emulator answers instead of AWS (AWS_ENDPOINT_URL)."
  type        = bool
  default     = false
}

variable "chat_webhook" {
  description = "Address that posts into the chat of those on call; none in the lab, where it stays a placeholder nobody answers."
  type        = string
  default     = "https://chat.invalid/hook"
  sensitive   = true

  validation {
    condition     = startswith(var.chat_webhook, "https://")
    error_message = "The chat's webhook must be an https:// address."
  }
}

variable "mocked" {
  description = "Whether providers are mocked: nothing is drawn then. For tests alone."
  type        = bool
  default     = false
}
