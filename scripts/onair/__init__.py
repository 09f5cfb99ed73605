"""On Air: two active regions of a live-commerce shop, delivered from git."""
