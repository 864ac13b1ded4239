"""The schema of a manifest, and the sentences for a manifest that does not fit it."""
