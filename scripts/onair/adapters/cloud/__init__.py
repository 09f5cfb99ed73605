"""Terraform, AWS and the facts that both start from."""
