"""What is wrong with a manifest: findings with their locations, and what sentences call them."""
