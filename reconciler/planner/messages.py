"""Plan the messages of one conversation: what each needs, their order, and those without a key."""

from __future__ import annotations

import msgspec

from reconciler.model import Address, Conversation, Message, Order, Unmanaged
from reconciler.planner.adoption import deletes_strangers, recognise, strangers
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.message import Entry, bind, entry_of
from reconciler.planner.message_actions import deletion, emit, forgetting
from reconciler.planner.order import kept, out_of_order, price
from reconciler.planner.renames import find_renames
from reconciler.planner.unchanged import is_recorded, is_unchanged
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.resources.message import desired_values, live_values


def plan_messages(draft: Draft, scope: Scope) -> None:
    """Add what the messages of one conversation need, in manifest order, deletions last.

    The order is not looked at where a part of the conversation is not selected.
    """
    if scope.desired is not None and _is_settled(scope, scope.desired):
        draft.no_ops += len(scope.desired.messages)
        return
    declared: dict[Address, Message] = {}
    if scope.desired is not None:
        declared = {f"{scope.address}/{message.key}": message for message in scope.desired.messages}
    gone = sorted(scope.bindings.keys() - declared.keys())
    renamed = find_renames(draft, scope, declared, gone) if gone else {}
    entries = [
        entry_of(scope, address, message, renamed.get(address)) for address, message in declared.items()
    ]
    planned = [entry for entry in entries if scope.selects(entry.address)]
    order = scope.desired.order if scope.desired is not None and len(planned) == len(entries) else Order.ANY
    strict = order is Order.STRICT
    recognise(draft, scope, entries, lambda: _to_replace(entries, strict=strict))
    leftovers = _leftovers(draft, scope, entries, gone, renamed)
    if strict:
        _put_in_order(draft, scope, entries, sum(action.verb is Verb.DELETE for action in leftovers))
    elif order is Order.APPEND:
        _warn_of_order(draft, entries)
    for entry in planned:
        emit(draft, scope, entry)
    draft.actions += leftovers


def _is_settled(scope: Scope, desired: Conversation) -> bool:
    """Return True if the conversation certainly needs nothing: the common case, decided at little cost.

    False means that each message must be compared.
    """
    bindings, messages, digest = scope.bindings, scope.view.messages, scope.digest
    if (
        len(bindings) != len(desired.messages)
        or scope.options.replace
        or scope.reset
        or scope.selection is not None
        or (desired.unmanaged is Unmanaged.DELETE and len(messages) != len(bindings))
    ):
        return False
    prefix, last = f"{scope.address}/", -1
    for message in desired.messages:
        binding = bindings.get(prefix + message.key)
        if binding is None or binding.imported or binding.released or binding.superseded:
            return False
        live = messages.get(binding.sid)
        if live is None or live.index <= last or not is_unchanged(message, live, binding, digest):
            return False
        if scope.options.record and not is_recorded(message, binding, digest):
            return False
        last = live.index
    return True


def _to_replace(entries: list[Entry], *, strict: bool) -> list[Entry]:
    """Return the entries that are posted again, including those that are only in the wrong place."""
    stays = kept(_indexes(entries)) if strict else len(entries)
    return [
        entry
        for at, entry in enumerate(entries)
        if entry.verb is Verb.REPLACE or (at >= stays and entry.live is not None and entry.replaced is None)
    ]


def _put_in_order(draft: Draft, scope: Scope, entries: list[Entry], deletes: int) -> None:
    """Replace the messages behind the first one that is missing or in the wrong place."""
    indexes = _indexes(entries)
    cost = price(indexes, [entry.live is not None for entry in entries], deletes)
    if cost is None:
        return
    draft.warn("order_price", scope.address, str(cost))
    for entry in entries[cost.after :]:
        live = entry.live
        if live is None or entry.verb is Verb.REPLACE:
            continue
        if entry.verb is Verb.ADOPT:  # its sid must be in the state to be superseded
            bind(draft, scope, entry, live)
        entry.verb, entry.reason = Verb.REPLACE, Reason.ORDER


def _warn_of_order(draft: Draft, entries: list[Entry]) -> None:
    wrong = out_of_order(_indexes(entries))
    if wrong:
        first = entries[wrong[0]].address
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        draft.warn(
            "order_not_met",
            first,
            f"`{first}`{more} cannot stand where the manifest has it: new messages go last "
            "(`order: strict` posts the later ones again)",
        )


def _indexes(entries: list[Entry]) -> list[int | None]:
    return [
        entry.live.index if entry.live is not None and entry.verb is not Verb.REPLACE else None
        for entry in entries
    ]


def _leftovers(
    draft: Draft, scope: Scope, entries: list[Entry], gone: list[Address], renamed: dict[Address, Address]
) -> list[Action]:
    """Return what becomes of messages without a key: those to forget, then those to delete, by index."""
    new_address = {old: new for new, old in renamed.items()}
    forgets: list[Action] = []
    deletes = _superseded(draft, scope, new_address)
    messages = scope.view.messages
    reason = Reason.REQUESTED if scope.options.destroy else Reason.REMOVED_FROM_MANIFEST
    held = {entry.live.sid for entry in entries if entry.live is not None}
    for address in gone:
        binding = scope.bindings[address]
        if address in new_address or not scope.selects(address):
            continue
        if binding.sid not in messages:
            forgets.append(Action(address, Verb.FORGET, Reason.MISSING_REMOTELY, sid=binding.sid))
        elif binding.sid in held:  # the message is bound to another key
            forgets.append(forgetting(address, binding, live_values(messages[binding.sid]), reason))
        elif not binding.released:
            deletes.append(deletion(address, messages[binding.sid], reason, binding.sent))
    deletes += [
        deletion(entry.address, entry.replaced, Reason.SUPERSEDED, desired_values(entry.message))
        for entry in entries
        if entry.replaced is not None
    ]
    if deletes_strangers(scope):
        deletes += [
            deletion(f"{scope.address}/{live.sid}", live, Reason.UNMANAGED)
            for live in strangers(scope, entries)
        ]
    return forgets + sorted(deletes, key=lambda action: action.index)


def _superseded(draft: Draft, scope: Scope, new_address: dict[Address, Address]) -> list[Action]:
    """Return the deletion of every superseded message that exists; drop the others from their bindings."""
    deletes: list[Action] = []
    for address in sorted(address for address, binding in scope.bindings.items() if binding.superseded):
        binding = scope.bindings[address]
        there = tuple(sid for sid in binding.superseded if sid in scope.view.messages)
        if not scope.selects(address):
            continue
        deletes += [
            deletion(
                new_address.get(address, address), scope.view.messages[sid], Reason.SUPERSEDED, binding.sent
            )
            for sid in there
        ]
        if there != binding.superseded:
            draft.bindings.setdefault(address, msgspec.structs.replace(binding, superseded=there))
    return deletes
