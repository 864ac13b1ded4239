"""The manifest: YAML files in, desired messages out."""
