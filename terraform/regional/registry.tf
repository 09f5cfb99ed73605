# A repository a service: a tag never moves, every image is scanned, and what no tag names goes.
resource "aws_ecr_repository" "this" {
  for_each             = local.services
  name                 = "${module.facts.platform.tags.application}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !local.profile.locks

  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = module.key["storage"].arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each   = local.services
  repository = aws_ecr_repository.this[each.key].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Untagged images go after two weeks"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}
