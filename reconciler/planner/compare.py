"""Compare a resource of the manifest with the live one and with what was last applied.

Three sides decide about each managed field: the manifest's value M, the live value L, and the digests of what
was last *sent* and of what the reply then showed. The latter is *observed*; without one it equals *sent*.

    M = L                       nothing to do
    M = sent and L = observed   nothing to do: the server keeps rewriting the field
    M = sent                    drift
    otherwise                   the manifest changed

A field that no reply shows compares M with *sent* alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from reconciler.plans.actions import Reason
from reconciler.resources.schema import (
    Digest,
    Paths,
    ResourceSchema,
    managed_part,
    wholly_ignored,
    with_ignored_from,
)
from reconciler.state.remembered import Binding


class Difference(Struct):
    """What a comparison found, as names of fields."""

    fields: dict[str, str] = {}
    """The new text of each field to change; empty for an immutable one that the message no longer has."""
    reset: tuple[str, ...] = ()
    """Those of *fields* that the manifest does not have."""
    drifted: tuple[str, ...] = ()
    """Fields that somebody else changed."""
    changed: tuple[str, ...] = ()
    """Fields that were changed in the manifest."""
    released: tuple[str, ...] = ()
    """Fields that the manifest no longer has and that stay as they are."""
    rewritten: tuple[str, ...] = ()
    """Fields that a server keeps changing after they are sent."""
    assumed: tuple[str, ...] = ()
    """Fields that no reply shows and that nothing was sent of: they are taken to be equal."""

    @property
    def reason(self) -> Reason:
        """Why an update is needed: drift only if nothing changed in the manifest."""
        return Reason.CHANGED_IN_MANIFEST if self.changed else Reason.DRIFTED


def compare(
    schema: ResourceSchema,
    desired: Mapping[str, str],
    live: Mapping[str, str],
    binding: Binding,
    digest: Digest,
    *,
    ignored: Paths = (),
    untouched: Mapping[str, str] = {},
) -> Difference:
    """Return what must change so that *live* equals *desired*; *ignored* paths are left alone.

    Fields in *untouched* that are not desired are set back to the texts there, whoever changed them.
    """
    comparison = _Comparison(schema, live, binding, digest, ignored)
    whole = wholly_ignored(ignored)
    for name, value in desired.items():
        if name in whole:
            continue
        if name in schema.unseen and name not in live:
            comparison.unseen(name, value)
        else:
            comparison.seen(name, value)
    for name in sorted((binding.sent.keys() | untouched.keys()) - desired.keys() - whole):
        if name in untouched:
            comparison.undeclared(name, untouched[name])
        else:
            comparison.dropped(name, desired)
    return comparison.found


class _Comparison(Struct):
    """One resource under comparison; each method decides about one field."""

    schema: ResourceSchema
    live: Mapping[str, str]
    binding: Binding
    digest: Digest
    ignored: Paths
    found: Difference = msgspec.field(default_factory=Difference)

    def unseen(self, name: str, value: str) -> None:
        """Compare with what was sent, as no reply shows the field."""
        sent = self.binding.sent.get(name)
        if self._is_digest_of(sent, name, value):
            return
        if sent is None and self.binding.imported and (name != "media" or "media_sid" in self.live):
            self.found.assumed += (name,)
        else:
            self._change(name, value)

    def seen(self, name: str, value: str) -> None:
        """Compare manifest, live and what was last applied."""
        live = self._live(name)
        if managed_part(name, value, self.ignored) == managed_part(name, live, self.ignored):
            return
        sent = self.binding.sent.get(name)
        observed = self.binding.observed.get(name, sent)
        same_wish = self._is_digest_of(sent, name, value)
        same_reply = self._is_digest_of(observed, name, live)
        if same_wish and same_reply:
            self.found.rewritten += (name,)
            return
        if observed is not None and not same_reply:
            self.found.drifted += (name,)
        if not same_wish:
            self.found.changed += (name,)
        self.found.fields[name] = with_ignored_from(name, value, live, self.ignored)

    def dropped(self, name: str, desired: Mapping[str, str]) -> None:
        """Decide about a field that was sent once and is no longer in the manifest."""
        sent = self.binding.sent[name]
        default = self.schema.defaults.get(name)
        if name in self.schema.immutable:
            # The manifest may now have the sid of the media that was uploaded from the file.
            if name != "media" or desired.get("media_sid", "") != self.live.get("media_sid"):
                self._reset(name, "")
        elif default is None:
            self.found.released += (name,)
        elif name in self.schema.unseen:
            if not self._is_digest_of(sent, name, default):
                self._reset(name, default)
        elif managed_part(name, live := self._live(name), self.ignored) != default:
            if self._is_digest_of(self.binding.observed.get(name, sent), name, live):
                self._reset(name, with_ignored_from(name, default, live, self.ignored))
            else:
                self.found.released += (name,)

    def undeclared(self, name: str, default: str) -> None:
        """Set a field that the manifest does not mention back to *default*."""
        live = self._live(name)
        if managed_part(name, live, self.ignored) != default:
            self.found.fields[name] = with_ignored_from(name, default, live, self.ignored)
            self.found.reset += (name,)
            self.found.drifted += (name,)

    def _live(self, name: str) -> str:
        return self.live.get(name, self.schema.defaults.get(name, ""))

    def _is_digest_of(self, recorded: str | None, name: str, text: str) -> bool:
        """Return whether *recorded* is the digest of *text*, or of the part of it that is managed now.

        The digest of the whole text is recorded if a path was added to `ignore_changes` since.
        """
        return recorded is not None and (
            self.digest.fits(recorded, name, managed_part(name, text, self.ignored))
            or (bool(self.ignored) and self.digest.fits(recorded, name, text))
        )

    def _change(self, name: str, value: str) -> None:
        self.found.fields[name] = value
        self.found.changed += (name,)

    def _reset(self, name: str, value: str) -> None:
        self._change(name, value)
        self.found.reset += (name,)
