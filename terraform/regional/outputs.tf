# What only Terraform knows; `onair cloud` writes it to clusters/<cluster>/facts/outputs.yaml for the manifests.
output "facts" {
  description = "Addresses and ids that manifests need."
  value = {
    cluster       = aws_eks_cluster.this.name
    endpoint      = aws_eks_cluster.this.endpoint
    nodeRole      = module.node_role.name
    targetGroup   = aws_lb_target_group.this.arn
    queueUrl      = aws_sqs_queue.orders.id
    ivsChannel    = aws_ivs_channel.this.arn
    database      = aws_rds_cluster.this.endpoint
    databaseArn   = aws_rds_cluster.this.arn
    reader        = aws_rds_cluster.this.reader_endpoint
    cache         = aws_elasticache_replication_group.this.primary_endpoint_address
    masterSecret  = try(aws_rds_cluster.this.master_user_secret[0].secret_arn, "")
    secrets       = local.secret_names
    registry      = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
    podSubnets    = { for tier in ["web", "was"] : tier => values(local.subnets["${tier}-pods"]) }
    securityGroup = { for tier in ["web", "was"] : tier => aws_security_group.this[tier].id }
  }
}
