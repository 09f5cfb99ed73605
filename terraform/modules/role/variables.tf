variable "name" {
  description = "Name by the naming rule."
  type        = string

  validation {
    condition     = length(var.name) <= 64
    error_message = "A role's name has at most 64 characters."
  }
}

variable "description" {
  description = "What it is for."
  type        = string
}

variable "service" {
  description = "The service that takes it, e.g. eks.amazonaws.com."
  type        = string
}

variable "actions" {
  description = "How the service takes it."
  type        = list(string)
  default     = ["sts:AssumeRole"]
}

variable "same_account" {
  description = "Whether the service says for which account it asks (the confused deputy); EC2, EKS and pods do not."
  type        = bool
  default     = false
}

variable "boundary" {
  description = "Name of the permissions boundary."
  type        = string
}

variable "policies" {
  description = "JSON policies of its own, by name."
  type        = map(string)
  default     = {}
}

variable "managed" {
  description = "AWS's own policies, by what follows arn:aws:iam::aws:policy/."
  type        = list(string)
  default     = []
}
