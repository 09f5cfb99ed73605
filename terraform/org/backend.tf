# Bucket, key and region of the state are the bootstrap root's outputs: terraform init -backend-config (terraform/README.md).
terraform {
  backend "s3" {
    key          = "org.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
