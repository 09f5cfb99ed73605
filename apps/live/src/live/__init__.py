"""Show control: which show is on air, and where its video plays."""
