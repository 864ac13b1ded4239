"""Which fields of a live object are no longer as they were last seen, by the digests of its binding."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.resources.schema import Digest, Paths, ResourceSchema, managed_part, wholly_ignored
from reconciler.state.remembered import Binding


def drifted_fields(
    schema: ResourceSchema,
    live: Mapping[str, str],
    binding: Binding,
    digest: Digest,
    *,
    ignored: Paths,
) -> dict[str, str]:
    """Return the managed part of the *live* fields that are no longer as they were last seen.

    *ignored* are the paths of `ignore_changes`, of the last apply and of the manifest.
    """
    apart = (schema.unseen - live.keys()) | wholly_ignored(ignored)
    fields = {}
    for name in binding.sent:
        if name not in apart:
            text = live.get(name, schema.defaults.get(name, ""))
            if not _was_seen(binding, name, text, digest, ignored):
                fields[name] = managed_part(name, text, ignored)
    return fields


def last_seen(
    declared: Mapping[str, str], binding: Binding, digest: Digest, *, ignored: Paths
) -> dict[str, str]:
    """Return the managed part of those *declared* texts that are still what was last seen."""
    return {
        name: managed_part(name, text, ignored)
        for name, text in declared.items()
        if name in binding.sent and _was_seen(binding, name, text, digest, ignored)
    }


def _was_seen(binding: Binding, name: str, text: str, digest: Digest, ignored: Paths) -> bool:
    """Return whether the managed part of *text*, as of now or of the last apply, is what was last seen."""
    recorded = binding.observed.get(name, binding.sent[name])
    parts = {managed_part(name, text, paths) for paths in (ignored, binding.ignored)}
    return any(digest.fits(recorded, name, part) for part in {*parts, text})
