"""Values that must not be shown: which fields of a plan have one, and how a plan is saved without them.

A saved plan has a digest in the place of each. Whoever applies it names the manifests and variables
again, live values are read again, and exactly what was planned is done, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from reconciler.errors import PlanError
from reconciler.model import Address, Desired, Message, declared, declared_conversations
from reconciler.planner.actions import SENSITIVE, Action, FieldChange, Plan
from reconciler.planner.awaited import filled
from reconciler.planner.diff import desired_values, with_ignored_from
from reconciler.planner.fingerprint import Live, live_texts
from reconciler.planner.parents import conversation_values
from reconciler.state.model import State, field_digest

_STANDS_FOR: Final = "sensitive:"
"""What the digest follows that takes the place of a value."""


def mark(plan: Plan, desired: Desired, state: State) -> Plan:
    """Return *plan* with the sensitive fields of each action: those declared so now, or when last applied."""
    now = dict(_sensitive(desired))
    before = {address: binding.sensitive for address, binding in state.bindings.items() if binding.sensitive}
    if not now and not before:
        return plan

    def marked(action: Action) -> Action:
        previous = action.previous_address or action.address
        names = (*now.get(action.address, ()), *before.get(previous, ()))
        return msgspec.structs.replace(action, sensitive=tuple(dict.fromkeys(names))) if names else action

    return _each(plan, marked)


def withheld(plan: Plan) -> Plan:
    """Return *plan* as it may be saved: each sensitive value that it sends is replaced by a digest."""

    def without(action: Action) -> Action:
        hidden = frozenset(action.sensitive)
        if not hidden:
            return action

        def stand_in(name: str, text: str) -> str:
            if name not in hidden or name in action.reset:
                return text
            return _STANDS_FOR + field_digest(plan.lineage, name, text)

        changed = dict.fromkeys(str(change.path[0]) for change in action.changes if change.path[0] in hidden)
        return msgspec.structs.replace(
            action,
            before={name: SENSITIVE if name in hidden else text for name, text in action.before.items()},
            after={name: stand_in(name, text) for name, text in action.after.items()},
            send={name: stand_in(name, text) for name, text in action.send.items()},
            changes=(
                *(change for change in action.changes if change.path[0] not in hidden),
                *(FieldChange((name,), SENSITIVE, SENSITIVE) for name in changed),
            ),
        )

    return _each(plan, without)


def is_whole(plan: Plan) -> bool:
    """Return whether a saved plan can be applied without the manifests that it was made from."""
    return not any(_missing(action) for action in plan.actions)


def restored(plan: Plan, desired: Desired, live: Mapping[str, Live]) -> Plan:
    """Return the saved *plan* with the values that were withheld.

    They are those of *desired*, or of the *live* messages, by sid: what `ignore_changes` leaves alone, and
    what a replacement carries over. Raises PlanError if one is another than was planned.
    """
    values: dict[Address, Mapping[str, str]] = {} if is_whole(plan) else _values(desired, plan)

    def whole(action: Action) -> Action:
        missing = _missing(action)
        if not missing:
            return action
        shown = live_texts(action, there) if (there := live.get(action.sid or "")) else {}
        found = {}
        for name, digest in missing.items():
            for text in _candidates(action, name, values.get(action.address, {}), shown):
                if field_digest(plan.lineage, name, text) == digest:
                    found[name] = text
            if name not in found:
                raise PlanError(
                    f"stale plan: the sensitive `{name}` of `{action.address}` is not what it was",
                    hint="run `reconciler plan --out FILE` again and review the result",
                )
        return msgspec.structs.replace(
            action,
            after={name: found[name] if name in missing else text for name, text in action.after.items()},
            send={name: found[name] if name in missing else text for name, text in action.send.items()},
        )

    return msgspec.structs.replace(plan, actions=tuple(map(whole, plan.actions)))


def _missing(action: Action) -> dict[str, str]:
    """Return the digests that stand for sensitive values in *action*, by field."""
    return {
        name: text.removeprefix(_STANDS_FOR)
        for name, text in (*action.send.items(), *action.after.items())
        if name in action.sensitive and text.startswith(_STANDS_FOR)
    }


def _candidates(
    action: Action, name: str, wanted: Mapping[str, str], live: Mapping[str, str]
) -> Iterator[str]:
    """Yield what the planner can have had in mind for a field: the manifest's text, the live one, or both."""
    if name in wanted:
        yield wanted[name]
    if name in live:
        yield live[name]
    if name in wanted and name in live:
        yield with_ignored_from(name, wanted[name], live[name], action.ignored)


def _sensitive(desired: Desired) -> Iterator[tuple[Address, tuple[str, ...]]]:
    """Yield the addresses that have sensitive fields, at next to no cost for all others."""
    for address, conversation in declared_conversations(desired):
        if conversation.sensitive:
            yield address, conversation.sensitive
        for message in conversation.messages:
            if message.sensitive:
                yield f"{address}/{message.key}", message.sensitive


def _values(desired: Desired, plan: Plan) -> dict[Address, Mapping[str, str]]:
    desired = filled(desired, plan.sids).desired
    return {
        address: desired_values(one) if isinstance(one, Message) else conversation_values(one)
        for address, one in declared(desired)
    }


def _each(plan: Plan, change: Callable[[Action], Action]) -> Plan:
    """Return *plan* with *change* done to every action, those of its drift included."""
    drift = plan.drift
    if drift is not None:
        drift = msgspec.structs.replace(drift, objects=tuple(map(change, drift.objects)))
    return msgspec.structs.replace(plan, actions=tuple(map(change, plan.actions)), drift=drift)
