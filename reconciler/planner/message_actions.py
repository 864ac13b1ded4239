"""The action of one message: what it sends and shows, and why it may be refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from reconciler.model import UNSEEN, Address, RemoteMessage
from reconciler.planner.changes import field_changes
from reconciler.planner.compare import Difference
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.message import (
    Entry,
    forcing_replacement,
    refuse_protected,
    with_carried,
    with_ignored,
)
from reconciler.planner.notices import warn_about
from reconciler.planner.unchanged import is_recorded
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.resources.binding import message_up_to_date
from reconciler.resources.message import MESSAGE, live_values
from reconciler.resources.schema import wholly_ignored
from reconciler.state.remembered import Binding

_CONTENT: Final = ("body", "media_sid", "content_sid")


def emit(draft: Draft, scope: Scope, entry: Entry) -> None:
    """Add the action of *entry* with its warnings; without one, count it and bring its binding up to date."""
    verb, found, binding, live = entry.verb, entry.found, entry.binding, entry.live
    if found is not None:
        warn_about(draft, entry.address, found, replaced=verb is Verb.REPLACE)
    if verb is Verb.ADOPT or (binding is not None and binding.imported and live is not None):
        draft.warn("adopted", entry.address, "from now on managed: removing its key will delete the message")
    if verb is not None:
        action = _action(entry, verb)
        draft.actions.append(action)
        if verb is Verb.REPLACE and live is not None:
            judge_replacement(draft, entry, action, live)
        return
    draft.no_ops += 1
    learned = found is not None or (
        scope.options.record and binding is not None and not is_recorded(entry.message, binding, scope.digest)
    )
    if learned and binding is not None and live is not None:
        binding = draft.bindings.get(entry.address) or binding
        message = entry.message
        now = message_up_to_date(
            binding,
            live,
            with_ignored(message, live_values(live)),
            scope.digest,
            ignored=message.ignore_changes,
            sensitive=message.sensitive,
        )
        if now != binding:
            draft.bindings[entry.address] = now


def _action(entry: Entry, verb: Verb) -> Action:
    message, found = entry.message, entry.found or Difference()
    live = live_values(entry.live) if entry.live is not None else {}
    wanted = with_ignored(message, live)
    send: dict[str, str] = {}
    if verb in {Verb.CREATE, Verb.REPLACE}:
        send = with_carried(entry, wanted, live)
    elif verb is Verb.UPDATE:
        send = dict(found.fields)
        ignored = wholly_ignored(message.ignore_changes)
        if message.date_updated is not None and "date_updated" not in ignored:
            send["date_updated"] = message.date_updated
    reset = {name: found.fields[name] for name in found.reset if found.fields[name]}
    known = (
        wanted.keys()
        | found.fields.keys()
        | send.keys()
        | (entry.binding.sent.keys() if entry.binding else set())
    )
    return Action(
        address=entry.address,
        verb=verb,
        reason=entry.reason,
        sid=entry.live.sid if entry.live is not None else None,
        index=entry.live.index if entry.live is not None else -1,
        before={name: text for name, text in live.items() if name in known},
        after=wanted | reset | send,
        send=send,
        managed=tuple(wanted),
        reset=found.reset,
        ignored=message.ignore_changes,
        changes=_changes(found, live),
        replace_paths=forcing_replacement(entry, found),
        previous_address=entry.previous,
        webhooks=message.webhooks,
        importing=entry.importing and verb is Verb.UPDATE,
        file=message.file,
        dated_by_timeline=message.after is not None,
    )


def _changes(found: Difference, live: Mapping[str, str]) -> tuple[FieldChange, ...]:
    if not found.fields:
        return ()
    before = {name: live[name] for name in found.fields if name in live}
    if "media" in found.fields and "media_sid" in live:
        before["media_sid"] = live["media_sid"]
    gone = MESSAGE.immutable - UNSEEN
    return field_changes(
        before, {name: text for name, text in found.fields.items() if text or name not in gone}
    )


def judge_replacement(draft: Draft, entry: Entry, action: Action, live: RemoteMessage) -> None:
    """Refuse a replacement that is forbidden or impossible, and warn about content that it would lose."""
    address, message = entry.address, entry.message
    if message.prevent_destroy:
        refuse_protected(draft, address, "replaced")
    if message.media_sid is not None and live.media and live.media[0].sid == message.media_sid:
        draft.refuse(
            "media_used",
            f"`{address}` must be posted again, but its media {message.media_sid} can be attached only once",
            "name the file with `media: {file: …}`, or upload it again and change `media_sid`",
        )
    replaced_by = set(action.send) | (entry.found.fields.keys() if entry.found is not None else set())
    if "media" in replaced_by:
        replaced_by.add("media_sid")
    if "content_sid" in replaced_by:
        replaced_by |= {"body", "media_sid"}  # the template's text and picture
    lost = [name for name in _CONTENT if live_values(live).get(name) and name not in replaced_by]
    if lost:
        names = ", ".join(f"`{name}`" for name in lost)
        draft.warn(
            "lost_by_replacing", address, f"{names} is not in the manifest and is lost with the old message"
        )


def deletion(address: Address, live: RemoteMessage, reason: Reason, managed: Collection[str] = ()) -> Action:
    """Return the deletion of a live message, showing its *managed* fields, or all if none are named."""
    return Action(
        address=address,
        verb=Verb.DELETE,
        reason=reason,
        sid=live.sid,
        index=live.index,
        before={name: text for name, text in live_values(live).items() if not managed or name in managed},
    )


def forgetting(
    address: Address, binding: Binding, live: Mapping[str, str], reason: Reason, *, released: bool = False
) -> Action:
    """Return the action that drops *binding* and leaves the object; it shows the managed of its *live* texts.

    What the state calls sensitive stays so: no manifest declares it any more.
    """
    return Action(
        address=address,
        verb=Verb.FORGET,
        reason=reason,
        sid=binding.sid,
        index=binding.index,
        before={name: text for name, text in live.items() if name in binding.sent},
        released=released,
        sensitive=binding.sensitive,
    )
