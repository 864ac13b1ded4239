"""Plan the messages of one conversation."""

from __future__ import annotations

from collections.abc import Container
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.model import Address, Message, Order, RemoteMessage, Unmanaged
from reconciler.plan.actions import Action, Reason, Verb
from reconciler.plan.diff import (
    MESSAGE,
    Difference,
    compare,
    desired_values,
    digests,
    field_changes,
    is_unchanged,
    live_values,
    reason_of,
)
from reconciler.plan.draft import Draft, Scope
from reconciler.plan.match import Wanted, pair
from reconciler.plan.order import kept, out_of_order, price
from reconciler.plan.rename import find_renames
from reconciler.state.model import Binding, Bound

_CARRIED: Final = ("author", "attributes", "date_created")
"""What a replacement takes over from the message it replaces, where the manifest does not say."""


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


def plan_messages(draft: Draft, scope: Scope) -> None:
    """Add what the messages of one conversation need, in manifest order, deletes last."""
    renamed = find_renames(draft, scope)
    entries = [
        _entry(scope, message, renamed) for message in (scope.desired.messages if scope.desired else ())
    ]
    if not scope.options.duplicate:
        _adopt(draft, scope, entries)
    if scope.desired is not None:
        _put_in_order(draft, scope.desired.order, scope.address, entries)
    for entry in entries:
        _emit(draft, scope, entry)
    _delete_rest(draft, scope, entries, set(renamed.values()))


def fingerprint(live: RemoteMessage) -> str:
    """Return 32 hex digits over everything a reply shows of a message, to notice any change."""
    return blake2b(msgspec.json.encode(live), digest_size=16).hexdigest()


def _entry(scope: Scope, message: Message, renamed: dict[Address, Address]) -> Entry:
    address = f"{scope.address}/{message.key}"
    previous = renamed.get(address)
    binding = scope.bindings.get(previous or address)
    if binding is None:
        return Entry(message, address, verb=Verb.CREATE)
    live = scope.view.messages.get(binding.sid)
    if live is None:
        return Entry(message, address, binding, verb=Verb.CREATE, reason=Reason.MISSING_REMOTELY)
    entry = Entry(message, address, binding, live, previous=previous)
    if address in scope.options.replace:
        entry.verb, entry.reason = Verb.REPLACE, Reason.REQUESTED
    elif (
        scope.options.record
        or binding.imported
        or binding.released
        or not is_unchanged(message, live, binding)
    ):
        _compare(scope, entry, live, binding)
    if entry.verb is None and previous is not None:
        entry.verb, entry.reason = Verb.MOVE, Reason.RENAMED
    return entry


def _compare(scope: Scope, entry: Entry, live: RemoteMessage, binding: Binding) -> None:
    message = entry.message
    found = compare(
        MESSAGE,
        desired_values(message),
        live_values(live),
        binding,
        scope.digest,
        ignored=message.ignore_changes,
    )
    entry.found = found
    if not found.fields:
        return
    has_media = bool(live.media) or message.media is not None or message.media_sid is not None
    if MESSAGE.immutable.intersection(found.fields) or ("body" in found.fields and has_media):
        entry.verb, entry.reason = Verb.REPLACE, Reason.IMMUTABLE_FIELD
    else:
        entry.verb, entry.reason = Verb.UPDATE, reason_of(found)


def _adopt(draft: Draft, scope: Scope, entries: list[Entry]) -> None:
    """Take over messages that a create would only double, or refuse to double them."""
    creates = [entry for entry in entries if entry.verb is Verb.CREATE]
    if not creates:
        return
    taken = _taken(scope)
    unclaimed = [live for live in scope.view.messages.values() if live.sid not in taken]
    pairs = pair((Wanted(entry.address, entry.message) for entry in creates), unclaimed)
    takes_over = scope.options.adopt or _deletes_unmanaged(scope)
    for entry in creates:
        live = pairs.get(entry.address)
        if live is None:
            continue
        if takes_over:
            entry.verb, entry.reason, entry.live = Verb.ADOPT, Reason.IDENTICAL_EXISTS, live
    if pairs and not takes_over:
        first = next(iter(pairs))
        count = len(pairs)
        draft.refuse(
            "identical_exists",
            f"{count} message{'s' if count > 1 else ''} to be created in `{scope.address}` "
            f"{'stand' if count > 1 else 'stands'} there already, unmanaged (the first: `{first}` "
            f"equals {pairs[first].sid})",
            "pass `--adopt` to take them over, or `--duplicate` to create them again",
        )


def _put_in_order(draft: Draft, order: Order, conversation: Address, entries: list[Entry]) -> None:
    indexes = [
        entry.live.index if entry.live is not None and entry.verb is not Verb.REPLACE else None
        for entry in entries
    ]
    if order is Order.APPEND:
        wrong = out_of_order(indexes)
        if wrong:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            draft.warn(
                "order_not_met",
                entries[wrong[0]].address,
                f"`{entries[wrong[0]].address}`{more} cannot stand where the manifest has it: new messages go "
                "last (`order: strict` posts the later ones again)",
            )
    elif order is Order.STRICT:
        cost = price(indexes, [entry.live is not None for entry in entries])
        for entry in entries[kept(indexes) :]:
            if entry.live is not None and entry.verb is not Verb.REPLACE:
                if entry.verb is Verb.ADOPT:
                    entry.binding = Binding(sid=entry.live.sid, index=entry.live.index)
                entry.verb, entry.reason = Verb.REPLACE, Reason.ORDER
        if cost is not None:
            draft.warn(
                "order_price",
                conversation,
                f"insert after {cost.after} of {cost.of}: {cost.reposts} re-posts, {cost.requests} requests",
            )


def _emit(draft: Draft, scope: Scope, entry: Entry) -> None:
    """Turn an entry into an action, or count it."""
    message, address, found = entry.message, entry.address, entry.found
    if found is not None:
        _tell(draft, entry, found)
    if entry.verb is None:
        draft.no_ops += 1
        binding = entry.binding
        if found is not None and entry.live is not None and binding is not None and _is_stale(found, binding):
            draft.records.append(Bound(address, rebound(scope, message, entry.live, binding)))
        return
    wanted = desired_values(message)
    live = live_values(entry.live) if entry.live is not None else {}
    sent_before = entry.binding.sent if entry.binding is not None else {}
    before = {name: value for name, value in live.items() if name in wanted or name in sent_before}
    send: dict[str, str] = {}
    if entry.verb is Verb.CREATE:
        before, send = {}, wanted
    elif entry.verb is Verb.REPLACE:
        ignored = {path[0] for path in message.ignore_changes if len(path) == 1}
        carried = {
            name: live[name]
            for name in _CARRIED
            if live.get(name) and (name not in wanted or name in ignored)
        }
        send = {**wanted, **carried}
    elif entry.verb is Verb.UPDATE and found is not None:
        send = dict(found.fields)
        if message.date_updated is not None:
            send["date_updated"] = message.date_updated
    changed = found.fields if found is not None else {}
    draft.actions.append(
        Action(
            address=address,
            verb=entry.verb,
            reason=entry.reason,
            sid=entry.live.sid if entry.live is not None else None,
            index=entry.live.index if entry.live is not None else -1,
            before=before,
            after={**wanted, **send},
            send=send,
            managed=tuple(wanted),
            reset=found.reset if found is not None else (),
            ignored=message.ignore_changes,
            changes=field_changes(
                {name: before[name] for name in changed if name in before},
                {name: value for name, value in changed.items() if value or name in before},
            )
            if changed
            else (),
            replace_paths=tuple(_forces_replacement(changed)) if entry.verb is Verb.REPLACE else (),
            previous_address=entry.previous,
            webhooks=message.webhooks,
            file=message.file,
            fingerprint=fingerprint(entry.live) if entry.live is not None else "",
        )
    )
    if entry.verb is Verb.REPLACE and message.prevent_destroy:
        refuse_protected(draft, address, "replaced")


def rebound(scope: Scope, message: Message, live: RemoteMessage, binding: Binding) -> Binding:
    """Return *binding* with digests that say what *message* declares and *live* shows."""
    sent, observed = digests(
        MESSAGE, desired_values(message), live_values(live), scope.digest, ignored=message.ignore_changes
    )
    return msgspec.structs.replace(
        binding, index=live.index, sent=sent, observed=observed, imported=False, released=False
    )


def _is_stale(found: Difference, binding: Binding) -> bool:
    return found.stale or binding.imported or binding.released


def refuse_protected(draft: Draft, address: Address, verb: str) -> None:
    """Refuse to lose a message that `prevent_destroy` protects; no flag overrides it."""
    draft.refuse(
        "prevent_destroy",
        f"`{address}` would be {verb}, but its `lifecycle.prevent_destroy` is true",
        "keep the message as it is, or remove `prevent_destroy` from the manifest",
    )


def _forces_replacement(changed: dict[str, str]) -> list[str]:
    return [name for name in changed if name in MESSAGE.immutable or name == "body"]


def _tell(draft: Draft, entry: Entry, found: Difference) -> None:
    """Warn about what the comparison saw and the plan does not show."""
    address = entry.address
    if found.rewritten:
        names = _names(found.rewritten)
        draft.warn(
            "rewritten_by_server", address, f"{names} differs from what was sent: a webhook rewrites it"
        )
    if found.assumed:
        names = _names(found.assumed)
        draft.warn("assumed_equal", address, f"{names} cannot be read back and is assumed to be as declared")
    if found.released and entry.verb is not Verb.REPLACE:
        names = _names(found.released)
        draft.warn("released", address, f"{names} is no longer managed and stays as it is")
    both = sorted(set(found.changed) & set(found.drifted))
    if both:
        draft.warn("drifted_too", address, f"{_names(tuple(both))} was also changed behind the tool's back")


def _names(fields: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in fields)


def _deletes_unmanaged(scope: Scope) -> bool:
    return scope.desired is not None and scope.desired.unmanaged is Unmanaged.DELETE


def _delete_rest(draft: Draft, scope: Scope, entries: list[Entry], moved_away: set[Address]) -> None:
    """Delete what has no key any more, what was superseded, and under `unmanaged: delete` the rest."""
    messages = scope.view.messages
    wanted = {entry.address for entry in entries}
    recorded = {record.address for record in draft.records}
    deletes: list[Action] = []
    for address, binding in scope.bindings.items():
        superseded = [messages[sid] for sid in binding.superseded if sid in messages]
        deletes += [_delete(address, live, Reason.SUPERSEDED, binding.sent) for live in superseded]
        if binding.superseded and not superseded and address not in recorded:
            draft.records.append(Bound(address, msgspec.structs.replace(binding, superseded=())))
        if address in wanted or address in moved_away or binding.released:
            continue
        if binding.sid in messages:
            reason = Reason.REQUESTED if scope.options.destroy else Reason.REMOVED_FROM_MANIFEST
            deletes.append(_delete(address, messages[binding.sid], reason, binding.sent))
        else:
            draft.actions.append(Action(address, Verb.FORGET, Reason.MISSING_REMOTELY, sid=binding.sid))
    if _deletes_unmanaged(scope):
        adopted = {entry.live.sid for entry in entries if entry.live is not None}
        known = _taken(scope) | adopted
        deletes += [
            _delete(f"{scope.address}/{live.sid}", live, Reason.UNMANAGED, live_values(live))
            for live in messages.values()
            if live.sid not in known
        ]
    draft.actions.extend(sorted(deletes, key=lambda action: action.index))


def _delete(address: Address, live: RemoteMessage, reason: Reason, managed: Container[str]) -> Action:
    return Action(
        address=address,
        verb=Verb.DELETE,
        reason=reason,
        sid=live.sid,
        index=live.index,
        before={name: value for name, value in live_values(live).items() if name in managed},
        fingerprint=fingerprint(live),
    )


def _taken(scope: Scope) -> set[str]:
    """Return the sids that stand for something already: bound, superseded, or claimed by an intent."""
    taken = {sid for binding in scope.bindings.values() for sid in (binding.sid, *binding.superseded)}
    return taken | scope.claimed
