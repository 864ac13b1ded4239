"""Live objects, and what other tools know of them, as manifests. Pure."""
