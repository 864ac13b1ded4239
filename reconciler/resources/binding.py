"""Make bindings: what the state remembers of an object that was found, created, updated or adopted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from reconciler.model import RemoteMessage
from reconciler.resources.message import MESSAGE, live_values
from reconciler.resources.schema import Digest, Paths, ResourceSchema, digests, managed_part, wholly_ignored
from reconciler.state.model import State
from reconciler.state.remembered import Binding, Intent, hard_binding

_NORMALISED: Final = frozenset({"body", "attributes"})
"""Fields of a message in which the text of a server may differ from what was sent."""


def existing(sid: str, *, service_sid: str = "", conversation_sid: str = "", index: int = -1) -> Binding:
    """Return the binding of an object that was found, and to which nothing was sent yet.

    *index* is that of a message.
    """
    return Binding(
        sid, service_sid=service_sid, conversation_sid=conversation_sid, index=index, imported=True
    )


def created_or_found(intent: Intent, sid: str, *, created: bool, superseded: tuple[str, ...] = ()) -> Binding:
    """Return the binding of the service, conversation or participant *sid*, which is what *intent* asked for.

    *created* is False if somebody else may have made it.
    """
    return Binding(
        sid,
        service_sid=intent.service_sid,
        conversation_sid=intent.conversation_sid,
        sent=intent.sent,
        superseded=superseded,
        created=created,
        imported=not intent.sent,
        sensitive=intent.sensitive,
        anchor=intent.anchor,
    )


def up_to_date(
    schema: ResourceSchema,
    binding: Binding,
    managed: Mapping[str, str],
    live: Mapping[str, str],
    digest: Digest,
    *,
    ignored: Paths = (),
    sensitive: tuple[str, ...] = (),
) -> Binding:
    """Return *binding* once the *managed* fields are applied, or equal already, and a reply showed *live*.

    Digests of *sensitive* fields are hard. Of a field that no reply shows and that `ignore_changes` names,
    the digest of what was sent earlier stays.
    """
    sent, observed = digests(schema, managed, live, digest, ignored=ignored)
    for name in schema.unseen & wholly_ignored(ignored) & sent.keys():
        del sent[name]  # this request did not send it
        if name in binding.sent:
            sent[name] = binding.sent[name]
    now = msgspec.structs.replace(
        binding,
        sent=sent,
        observed=observed,
        imported=False,
        released=False,
        sensitive=sensitive,
        ignored=ignored,
    )
    return hard_binding(now, digest) if sensitive else now


def message_up_to_date(
    binding: Binding,
    live: RemoteMessage,
    managed: Mapping[str, str],
    digest: Digest,
    *,
    ignored: Paths,
    sensitive: tuple[str, ...],
) -> Binding:
    """Return *binding* as `up_to_date` does, for the message *live*."""
    now = up_to_date(
        MESSAGE, binding, managed, live_values(live), digest, ignored=ignored, sensitive=sensitive
    )
    return msgspec.structs.replace(now, index=live.index)


def created_message(state: State, intent: Intent, live: RemoteMessage, *, replied: bool) -> Binding:
    """Return the binding of the message *live*, which the create of *intent* made.

    It supersedes the message of that address in the same conversation. With *replied*, *live* is the reply to
    the create, so every difference is the server's doing. In a message that was found later only a
    normalised text is; what else differs was changed by somebody, and is drift.
    """
    before = state.bindings.get(intent.address)
    if before is not None and before.conversation_sid != intent.conversation_sid:
        before = None
    values, digest = live_values(live), state.digest
    observed = {}
    for name, sent in intent.sent.items():
        if name not in MESSAGE.unseen and (replied or name in _NORMALISED):
            seen = managed_part(name, values.get(name, MESSAGE.defaults.get(name, "")), intent.ignored)
            if not digest.fits(sent, name, seen):
                observed[name] = digest(name, seen)
    return Binding(
        sid=live.sid,
        service_sid=intent.service_sid,
        conversation_sid=intent.conversation_sid,
        index=live.index,
        sent=intent.sent,
        observed=observed,
        superseded=superseded_by(live.sid, before),
        imported=not intent.sent,
        sensitive=intent.sensitive,
        ignored=intent.ignored,
    )


def adopted_message(
    found: Binding,
    before: Binding | None,
    managed: Mapping[str, str],
    digest: Digest,
    *,
    ignored: Paths,
    sensitive: tuple[str, ...],
) -> Binding:
    """Return the binding of a message that equals its *managed* fields and is taken over.

    *found* is the binding of the `existing` message, *before* that of its address. Where *before* is for the
    same message, it keeps what it observed: texts that are equal but for how they are written.
    """
    sent, observed = digests(MESSAGE, managed, managed, digest, ignored=ignored)
    if before is not None and before.sid == found.sid:
        observed |= before.observed
    return msgspec.structs.replace(
        found,
        sent=sent,
        observed=observed,
        superseded=before.superseded if before is not None else (),
        imported=False,
        sensitive=sensitive,
        ignored=ignored,
    )


def resembling_message(
    found: Binding,
    live: RemoteMessage,
    declared: Mapping[str, str],
    differs: Collection[str],
    digest: Digest,
    *,
    ignored: Paths,
    sensitive: tuple[str, ...],
) -> Binding:
    """Return *found*, the binding of the existing message *live*, with how the *differs* fields are written.

    These equal what is *declared* but for how a server normalises text, so they count as sent and observed.
    """
    equal = {name: declared[name] for name in differs}
    sent, observed = digests(MESSAGE, equal, live_values(live), digest, ignored=ignored)
    return msgspec.structs.replace(found, sent=sent, observed=observed, sensitive=sensitive)


def superseded_by(sid: str, before: Binding | None) -> tuple[str, ...]:
    """Return the messages that are to be deleted once *sid* takes the place of *before*."""
    if before is None:
        return ()
    return before.superseded if before.sid == sid else (*before.superseded, before.sid)
