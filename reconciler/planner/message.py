"""Decide what one message needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct

from reconciler.model import Address, Message, RemoteMessage
from reconciler.planner.compare import Difference, compare
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.unchanged import is_unchanged
from reconciler.plans.actions import Reason, Verb
from reconciler.resources.binding import existing, resembling_message
from reconciler.resources.match import forgiven
from reconciler.resources.message import MESSAGE, desired_values, live_values
from reconciler.resources.schema import with_ignored_from
from reconciler.state.remembered import Binding
from reconciler.text.words import quoted


class Entry(Struct):
    """A declared message, and what was decided for it."""

    message: Message
    """The message of the manifest."""
    address: Address
    """Its address."""
    binding: Binding | None = None
    """What is bound to it, under its previous address if its key was renamed."""
    live: RemoteMessage | None = None
    """The live message."""
    found: Difference | None = None
    """How it differs, if it was compared."""
    verb: Verb | None = None
    """What is to be done; None if nothing."""
    reason: Reason = Reason.NOT_IN_STATE
    """Why."""
    previous: Address | None = None
    """The address that its key was renamed from."""
    importing: bool = False
    """Whether this plan also binds it."""
    replaced: RemoteMessage | None = None
    """The old message of an entry whose replacement exists already; it is to be deleted."""


def entry_of(scope: Scope, address: Address, message: Message, previous: Address | None) -> Entry:
    """Return *message* with what it needs, but for its place in the conversation."""
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
    """Let *entry* adopt *live*, which equals what it would post, and supersede what it would replace.

    A date from a relative timeline may differ; an update then sets it. Other differences come from a server
    that normalises text, and are observed.
    """
    shown, old = live_values(live), entry.live
    differs = forgiven(with_ignored(entry.message, shown), live)
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
    """Bind the address of *entry* to *live*, to which nothing was sent yet, and return the binding.

    The fields in *differs* differ only by how a server normalises text, and are observed as they are.
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
    if forcing_replacement(entry, found):
        entry.verb, entry.reason = Verb.REPLACE, Reason.IMMUTABLE_FIELD
    elif found.fields:
        entry.verb, entry.reason = Verb.UPDATE, found.reason


def forcing_replacement(entry: Entry, found: Difference) -> tuple[str, ...]:
    """Return the changed fields that no update can change: the body of a message with media is one."""
    has_media = entry.live is not None and entry.live.media
    return tuple(name for name in found.fields if name in MESSAGE.immutable or (name == "body" and has_media))


def posted(entry: Entry) -> dict[str, str]:
    """Return the fields that *entry* posts; a replacement carries some of the old message's over."""
    live = live_values(entry.live) if entry.live is not None else {}
    return with_carried(entry, with_ignored(entry.message, live), live)


def with_carried(entry: Entry, wanted: dict[str, str], live: Mapping[str, str]) -> dict[str, str]:
    """Return *wanted* with what a replacement carries over from the texts of the old message, *live*."""
    reset = entry.found.reset if entry.found is not None else ()
    kept = [name for name in MESSAGE.carried if name not in wanted and name not in reset]
    return wanted | {name: live[name] for name in kept if live.get(name)}


def with_ignored(message: Message, live: Mapping[str, str]) -> dict[str, str]:
    """Return what *message* declares, with the *live* values at the paths of `ignore_changes`.

    A field without a live value keeps that of the manifest. So does a media sid: it can be sent only once.
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


def refuse_protected(draft: Draft, address: Address, verb: str) -> None:
    """Refuse to delete a message that `prevent_destroy` protects; no option permits it."""
    draft.refuse(
        "prevent_destroy",
        f"`{address}` would be {verb}, but its `lifecycle.prevent_destroy` is true",
        "keep the message as it is, or remove `prevent_destroy` from the manifest",
    )
