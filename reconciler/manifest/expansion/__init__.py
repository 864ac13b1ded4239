"""Expansion of manifests: variables, references, defaults, templates, transcripts and for_each."""
