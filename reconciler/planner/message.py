"""Plan one message: what it needs, and the action that says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.model import UNSEEN, Address, Message, RemoteMessage
from reconciler.planner.changes import field_changes
from reconciler.planner.compare import Difference, compare, is_recorded, is_unchanged
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.notices import warn_about
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.resources.binding import existing, message_up_to_date, resembling_message
from reconciler.resources.match import forgiven
from reconciler.resources.message import MESSAGE, desired_values, live_values
from reconciler.resources.schema import wholly_ignored, with_ignored_from
from reconciler.state.model import Binding
from reconciler.text.words import quoted

_CONTENT: Final = ("body", "media_sid", "content_sid")


class Entry(Struct):
    """A desired message on its way to an action; *verb* None means that nothing is to be done."""

    message: Message
    address: Address
    binding: Binding | None = None
    live: RemoteMessage | None = None
    found: Difference | None = None
    verb: Verb | None = None
    reason: Reason = Reason.NOT_IN_STATE
    previous: Address | None = None
    importing: bool = False
    replaced: RemoteMessage | None = None
    """The old message of an entry whose replacement is there already: it is to be deleted."""


def entry_of(scope: Scope, address: Address, message: Message, previous: Address | None) -> Entry:
    """Return *message* with what it needs, its place in the conversation aside."""
    binding = scope.bindings.get(previous or address)
    if binding is None:
        return Entry(message, address, verb=Verb.CREATE)
    live = scope.view.messages.get(binding.sid)
    if live is None:
        return Entry(message, address, binding, verb=Verb.CREATE, reason=Reason.MISSING_REMOTELY)
    entry = Entry(message, address, binding, live, previous=previous)
    is_plain = not (binding.imported or binding.released or scope.reset)
    if not is_plain or not is_unchanged(message, live, binding, scope.digest):
        _compare(scope, entry, live, binding)
    if address in scope.options.replace:
        entry.verb, entry.reason = Verb.REPLACE, Reason.REQUESTED
    elif entry.verb is None and previous is not None:
        entry.verb, entry.reason = Verb.MOVE, Reason.RENAMED
    return entry


def adopt(draft: Draft, scope: Scope, entry: Entry, live: RemoteMessage) -> None:
    """Let *entry* take over *live*, which says what it would post, and supersede what it would replace.

    Only the date that it has from a relative timeline may be another one, which an update then sets. What
    else differs was forgiven, and is observed.
    """
    shown, old = live_values(live), entry.live
    differs = forgiven(_with_ignored(entry.message, shown), live)
    redated = entry.message.date_created not in {None, shown["date_created"]}
    if redated or differs or old is not None:
        bind(draft, scope, entry, live, differs)
    entry.verb, entry.live, entry.replaced = Verb.ADOPT, live, old
    entry.found = Difference(assumed=tuple(sorted(MESSAGE.unseen & desired_values(entry.message).keys())))
    if redated and entry.binding is not None:
        _compare(scope, entry, live, entry.binding)
        entry.importing = entry.verb is Verb.UPDATE
    entry.reason = Reason.IDENTICAL_EXISTS
    if differs:
        draft.warn(
            "written_otherwise",
            entry.address,
            f"{quoted(differs)} of {live.sid} is the same but for white space, line ends, accents or case, "
            "and stays as it is",
        )


def bind(
    draft: Draft, scope: Scope, entry: Entry, live: RemoteMessage, differs: Collection[str] = ()
) -> Binding:
    """Record, and return, that the address of *entry* stands for *live*, to which nothing was sent yet.

    The fields that differ only in how they are written are observed as they are.
    """
    before = draft.bindings.get(entry.address) or entry.binding
    superseded = before.superseded if before is not None else ()
    if entry.live is not None and entry.live.sid != live.sid:
        superseded = (*superseded, entry.live.sid)
    binding = resembling_message(
        existing(
            live.sid,
            service_sid=scope.service_sid,
            conversation_sid=scope.view.remote.sid if scope.view.remote is not None else "",
            index=live.index,
        ),
        live,
        desired_values(entry.message),
        differs,
        scope.digest,
        ignored=entry.message.ignore_changes,
        sensitive=entry.message.sensitive,
    )
    there = tuple(sid for sid in superseded if sid in scope.view.messages)
    binding = msgspec.structs.replace(binding, superseded=there)
    if entry.previous is not None:
        draft.bindings[entry.previous] = None
        entry.previous = None
    draft.bindings[entry.address] = entry.binding = binding
    return binding


def _compare(scope: Scope, entry: Entry, live: RemoteMessage, binding: Binding) -> None:
    message = entry.message
    entry.found = found = compare(
        MESSAGE,
        desired_values(message),
        live_values(live),
        binding,
        scope.digest,
        ignored=message.ignore_changes,
        untouched=scope.untouched(MESSAGE),
    )
    if _forces_replacement(entry, found):
        entry.verb, entry.reason = Verb.REPLACE, Reason.IMMUTABLE_FIELD
    elif found.fields:
        entry.verb, entry.reason = Verb.UPDATE, found.reason


def _forces_replacement(entry: Entry, found: Difference) -> tuple[str, ...]:
    """Return the changed fields that no update can change: the body of a message with media is one."""
    has_media = entry.live is not None and entry.live.media
    return tuple(name for name in found.fields if name in MESSAGE.immutable or (name == "body" and has_media))


def emit(draft: Draft, scope: Scope, entry: Entry) -> None:
    """Turn an entry into an action and say what there is to say about it, or count it."""
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
            _with_ignored(message, live_values(live)),
            scope.digest,
            ignored=message.ignore_changes,
            sensitive=message.sensitive,
        )
        if now != binding:
            draft.bindings[entry.address] = now


def _action(entry: Entry, verb: Verb) -> Action:
    message, found = entry.message, entry.found or Difference()
    live = live_values(entry.live) if entry.live is not None else {}
    wanted = _with_ignored(message, live)
    send: dict[str, str] = {}
    if verb in {Verb.CREATE, Verb.REPLACE}:
        send = posted(entry)
    elif verb is Verb.UPDATE:
        send = dict(found.fields)
        ignored = wholly_ignored(message.ignore_changes)
        if message.date_updated is not None and "date_updated" not in ignored:
            send["date_updated"] = message.date_updated
    reset = {name: found.fields[name] for name in found.reset if found.fields[name]}
    known = wanted.keys() | found.fields.keys() | (entry.binding.sent.keys() if entry.binding else set())
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
        replace_paths=_forces_replacement(entry, found),
        previous_address=entry.previous,
        webhooks=message.webhooks,
        importing=entry.importing and verb is Verb.UPDATE,
        file=message.file,
        dated_by_timeline=message.after is not None,
    )


def posted(entry: Entry) -> dict[str, str]:
    """Return the fields that *entry* posts; a replacement carries some of the old message's over."""
    live = live_values(entry.live) if entry.live is not None else {}
    wanted = _with_ignored(entry.message, live)
    reset = entry.found.reset if entry.found is not None else ()
    kept = [name for name in MESSAGE.carried if name not in wanted and name not in reset]
    return wanted | {name: live[name] for name in kept if live.get(name)}


def _with_ignored(message: Message, live: Mapping[str, str]) -> dict[str, str]:
    """Return what *message* declares, with the *live* values where `ignore_changes` leaves them alone.

    A field without a live value keeps its own; so does a media sid, as each can be sent only once.
    """
    wanted = desired_values(message)
    for path in message.ignore_changes:
        name = path[0]
        if name in wanted and name != "media_sid" and live.get(name):
            if len(path) == 1:
                wanted[name] = live[name]
            else:
                wanted[name] = with_ignored_from(name, wanted[name], live[name], message.ignore_changes)
    return wanted


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
    """Refuse a replacement that is forbidden or impossible, and name what it would lose."""
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


def refuse_protected(draft: Draft, address: Address, verb: str) -> None:
    """Refuse to lose a message that `prevent_destroy` protects; no flag overrides it."""
    draft.refuse(
        "prevent_destroy",
        f"`{address}` would be {verb}, but its `lifecycle.prevent_destroy` is true",
        "keep the message as it is, or remove `prevent_destroy` from the manifest",
    )
