"""Mistakes in manifests: findings with their locations, and the words of their sentences."""
