variable "emulated" {
  description = "Whether an emulator answers instead of AWS (AWS_ENDPOINT_URL)."
  type        = bool
  default     = false
}
