"""Values that must not be shown: which fields of a plan have one, and how a plan is saved without them.

A saved plan has a digest in the place of each. Whoever applies it names the manifests and variables
again, and gets exactly what was planned, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from reconciler.errors import PlanError
from reconciler.model import Address, Desired, Message, declared, declared_conversations
from reconciler.planner.actions import SENSITIVE, Action, FieldChange, Plan
from reconciler.planner.awaited import filled
from reconciler.planner.diff import desired_values
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


def withheld(plan: Plan, desired: Desired) -> Plan:
    """Return *plan* as it may be saved.

    Raises PlanError if a sensitive value is sent that no manifest says, as it could not be had again.
    """
    values = _values(desired, plan)

    def without(action: Action) -> Action:
        hidden = frozenset(action.sensitive)
        if not hidden:
            return action
        known = values.get(action.address, {})
        for name in hidden & action.send.keys():
            if name not in action.reset and known.get(name) != action.send[name]:
                raise PlanError(
                    f"the plan cannot be saved: the sensitive `{name}` that `{action.address}` gets is, "
                    "at least in part, that of the live message",
                    hint=f"apply without `--out`, or exclude it: `--exclude '{action.address}'`",
                )

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


def restored(plan: Plan, desired: Desired | None) -> Plan:
    """Return the saved *plan* with the sensitive values that *desired* has.

    Raises PlanError if they are needed and there is no *desired*, or if one is another than was planned.
    """
    values = _values(desired, plan) if desired is not None else None

    def whole(action: Action) -> Action:
        missing = {
            name: text.removeprefix(_STANDS_FOR)
            for name, text in action.send.items() | action.after.items()
            if name in action.sensitive and text.startswith(_STANDS_FOR)
        }
        if not missing:
            return action
        if values is None:
            raise PlanError(
                "the plan was saved without its sensitive values",
                hint="name the manifests too, with the same variables: `reconciler apply PLAN MANIFESTS…`",
            )
        found = values.get(action.address, {})
        for name, digest in missing.items():
            if name not in found or field_digest(plan.lineage, name, found[name]) != digest:
                raise PlanError(
                    f"stale plan: the sensitive `{name}` of `{action.address}` is not what it was",
                    hint="run `reconciler plan --out FILE` again and review the result",
                )
        return msgspec.structs.replace(
            action,
            after={name: found[name] if name in missing else text for name, text in action.after.items()},
            send={name: found[name] if name in missing else text for name, text in action.send.items()},
        )

    return _each(plan, whole)


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
