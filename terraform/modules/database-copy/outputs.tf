output "name" {
  description = "Name of the global database."
  value       = aws_rds_global_cluster.this.global_cluster_identifier
}
