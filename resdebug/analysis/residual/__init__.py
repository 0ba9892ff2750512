"""What residual blocks do to a gradient: which there are, skip beside branch, paths by how many branches they cross."""
