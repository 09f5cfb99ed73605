variable "from" {
  description = "What the names of the writer's region begin with, e.g. onair-prod-kr."
  type        = string
}

variable "to" {
  description = "What the names of the copy's region begin with."
  type        = string

  validation {
    condition     = var.to != var.from
    error_message = "A database is copied to another region than its own (${var.from})."
  }
}

variable "key" {
  description = "ARN of the key that encrypts the copy, in the copy's region."
  type        = string
}

variable "capacity" {
  description = "Least and most that the copy scales to, in Aurora capacity units (2 GiB of memory each)."
  type        = object({ min = number, max = number })

  validation {
    condition     = var.capacity.min <= var.capacity.max
    error_message = "The least capacity (${var.capacity.min}) is above the most (${var.capacity.max})."
  }
}

variable "locks" {
  description = "Whether the copy is protected against deletion."
  type        = bool
}
