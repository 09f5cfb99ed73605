variable "emulated" {
  description = "Whether an emulator answers instead of AWS (AWS_ENDPOINT_URL)."
  type        = bool
  default     = false
}

variable "mocked" {
  description = "Whether providers are mocked: nothing is drawn then. For tests alone."
  type        = bool
  default     = false
}
