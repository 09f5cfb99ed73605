variable "cluster" {
  description = "The cluster that a root is for; null where it is for all of them."
  type        = string
  default     = null
}
