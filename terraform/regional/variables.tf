variable "cluster" {
  description = "The cluster, e.g. prod-kr; the workspace's name where it is null."
  type        = string
  default     = null
}
