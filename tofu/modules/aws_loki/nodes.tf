# The node pool that Loki has to itself: the taint keeps others off, the label draws Loki there.

resource "aws_eks_node_group" "logs" {
  cluster_name    = var.cluster_name
  node_group_name = "logging"
  node_role_arn   = var.node_role_arn
  subnet_ids      = var.subnet_ids
  instance_types  = var.instance_types
  labels          = { (var.taint.key) = var.taint.value }
  tags            = var.tags

  scaling_config {
    min_size     = var.nodes.min
    max_size     = var.nodes.max
    desired_size = var.nodes.desired
  }

  taint {
    key    = var.taint.key
    value  = var.taint.value
    effect = "NO_SCHEDULE"
  }

  update_config {
    max_unavailable = 1
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size] # an autoscaler's
  }
}
