"""Convert live objects, and the state of other tools, to manifests. Pure."""
