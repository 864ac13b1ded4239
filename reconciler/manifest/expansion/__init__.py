"""Manifests that need expansion: variables, references, defaults, templates and for_each."""
