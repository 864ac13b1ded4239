"""Fingerprints of live objects, by which a saved plan is known to be stale.

The fingerprint of a message covers everything that a reply shows, that of another object the fields that the
manifest manages or the plan changes. It leaves out what changes while people only talk: the date of the last
update, running timers, read horizons, receipts.
"""

from __future__ import annotations

import json
from typing import Final, TypeAlias

import msgspec

from reconciler.model import (
    ConversationView,
    Remote,
    RemoteConversation,
    RemoteMessage,
    RemoteParticipant,
    RemoteService,
    ResourceType,
    parent_of,
)
from reconciler.plans.actions import Action, Verb
from reconciler.plans.part import Part, Piece, map_pieces
from reconciler.resources.conversation import live_conversation_values
from reconciler.resources.match import ExpectedMessage
from reconciler.resources.message import live_values
from reconciler.resources.participant import live_participant_values
from reconciler.resources.timers import TIMERS
from reconciler.state.digests import DigestKey, Digests

Live: TypeAlias = RemoteService | RemoteConversation | RemoteMessage | RemoteParticipant


_REST: Final = ""
"""The key of the digest over all fields that the action does not set."""


_ABSENT: Final = ConversationView(remote=None)


def fingerprinted(part: Part, remote: Remote, keys: tuple[DigestKey, ...] = ()) -> Part:
    """Return *part* with a fingerprint of every object of *remote* that an action changes or takes over.

    *keys* are those of digests.
    """

    def with_fingerprint(action: Action) -> Action:
        live = _find(action, remote)
        if live is None:
            return action
        return msgspec.structs.replace(action, fingerprint=fingerprint(action, live, digests))

    def with_fingerprints(piece: Piece) -> Piece:
        if not piece.first and not piece.actions:
            return piece
        first = tuple(map(with_fingerprint, piece.first))
        return msgspec.structs.replace(
            piece, first=first, actions=tuple(map(with_fingerprint, piece.actions))
        )

    digests = Digests(part.lineage, keys)
    return map_pieces(part, with_fingerprints)


def fingerprint(action: Action, live: Live, digest: Digests) -> dict[str, str]:
    """Return a digest for each field that *action* updates, and one over the others that it relies on."""
    digests = _plain(action, live, digest)
    if action.sensitive:  # a saved plan contains these digests
        return {name: digest.hard(text) for name, text in digests.items()}
    return digests


def _plain(action: Action, live: Live, digest: Digests) -> dict[str, str]:
    shown = live_texts(action, live)
    sent = shown.keys() & action.send.keys() if action.verb is Verb.UPDATE else ()
    digests = {name: digest(name, shown.pop(name)) for name in sorted(sent)}
    # json: a live text may contain half a surrogate pair, which msgspec cannot encode
    digests[_REST] = digest(_REST, json.dumps(shown, sort_keys=True))
    return digests


def changed_since(action: Action, live: Live, digests: Digests, *, begun: bool = False) -> list[str]:
    """Return what changed since *action* was planned: quoted names of fields, or `it` if not known.

    Once the plan was *begun*, a field may also have the text that the action sets, or expects by then.
    """
    now, shown = _plain(action, live, digests), live_texts(action, live) if begun else {}
    names = [
        name
        for name, digest in action.fingerprint.items()
        if digests.like(digest, now.get(name, "")) != digest
        and not (name in shown and shown[name] in {action.send.get(name), action.before.get(name)})
    ]
    return [f"its `{name}`" if name != _REST else "it" for name in names]


def live_texts(action: Action, live: Live) -> dict[str, str]:
    """Return the canonical texts of the fields of *live* that *action* relies on."""
    if isinstance(live, RemoteMessage):
        texts = live_values(live)
        if "date_updated" not in action.send and "date_updated" not in action.managed:
            del texts["date_updated"]
        media = json.dumps(msgspec.to_builtins(live.media or ()))
        return {**texts, "index": str(live.index), "media": media}
    if isinstance(live, RemoteConversation):
        texts = live_conversation_values(live)
    elif isinstance(live, RemoteParticipant):
        texts = live_participant_values(live)
    else:
        texts = {"friendly_name": live.friendly_name or ""}
    names = {*action.before, *action.managed, *action.send}.difference(TIMERS)
    return {name: texts.get(name, "") for name in sorted(names)}


def _find(action: Action, remote: Remote) -> Live | None:
    """Return the object that *action* changes or adopts; None if it only creates or forgets one."""
    if action.sid is None or action.verb is Verb.FORGET:
        return None
    if action.type is ResourceType.SERVICE:
        return remote.services.get(action.address)
    if action.type is ResourceType.CONVERSATION:
        return remote.conversations.get(action.address, _ABSENT).remote
    if action.type is ResourceType.MESSAGE:
        return remote.conversations.get(parent_of(action.address), _ABSENT).messages.get(action.sid)
    view = remote.conversations.get(parent_of(action.address), _ABSENT)
    return (view.participants or {}).get(action.sid)


def planned(action: Action) -> ExpectedMessage:
    """Return what *action*, a create or a replacement, would make."""
    fields = dict(action.send)
    if action.dated_by_timeline:
        fields.pop("date_created", None)
    return ExpectedMessage(action.address, fields, action.file)
