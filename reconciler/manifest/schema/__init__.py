"""The shape of a manifest, and sentences for what does not fit it."""
