"""The rest of a saved plan whose apply was killed, or could not do everything.

The state knows which actions are done. It may also know more than was reported: an open create turned out to
have happened, or a replaced object is still to be deleted.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

import msgspec

from reconciler.model import Address, ResourceType, conversation_of, parent_of, type_of
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.plan import Plan
from reconciler.state.model import State, Unbound
from reconciler.state.remembered import Binding

Numbered: TypeAlias = list[tuple[int, Action]]
"""Actions with their numbers in the plan as it was saved."""

_LOSING = frozenset({Verb.DELETE, Verb.REPLACE})
_PARENTS = frozenset({ResourceType.SERVICE, ResourceType.CONVERSATION})


def remaining(plan: Plan, done: Collection[int], settled: Collection[Address], state: State) -> Numbered:
    """Return the actions of *plan* that are left; the creates at *settled* turned out to have happened."""
    carried = frozenset(done)
    emptied = {
        action.address
        for number, action in enumerate(plan.actions)
        if _is_anew(action) and (number in carried or action.sid != _sid(state.bindings.get(action.address)))
    }
    actions = [
        _into_new(action) if conversation_of(action.address) in emptied else action for action in plan.actions
    ]
    being_removed = {
        action.address
        for number, action in enumerate(actions)
        if number not in carried and action.type is ResourceType.CONVERSATION and action.verb in _LOSING
    }
    left: Numbered = []
    for number, action in enumerate(actions):
        if number in carried or (action.with_parent and parent_of(action.address) not in being_removed):
            continue
        happened = action.verb is Verb.CREATE and action.address in settled
        if happened and action.type is not ResourceType.CONVERSATION:  # whose state may still be to be set
            continue
        rest = _rest_of_replacement(action, state) if action.verb is Verb.REPLACE else action
        if rest is not None:  # the binding has moved already
            left.append((number, msgspec.structs.replace(rest, previous_address=None)))
    return left


def without_made(left: Numbered, made: Collection[Address]) -> Numbered:
    """Return what is *left* besides the creates of the objects *made*, which exist and are bound."""
    rest: Numbered = []
    for number, action in left:
        if action.verb is not Verb.CREATE or action.address not in made:
            rest.append((number, action))
        elif "state" in action.send:  # it is set when everything else in the new conversation is done
            state = {"state": action.send["state"]}
            rest.append((number, msgspec.structs.replace(action, verb=Verb.UPDATE, send=state)))
    return rest


def continued(plan: Plan, left: Numbered) -> Plan:
    """Return *plan* with the actions that are *left*, and of its records those that unbind parents."""
    records = (one for one in plan.records if isinstance(one, Unbound) and type_of(one.address) in _PARENTS)
    actions = tuple(action for _, action in left)
    return msgspec.structs.replace(plan, actions=actions, records=tuple(records))


def _is_anew(action: Action) -> bool:
    """Return whether *action* deletes a conversation and creates it again."""
    return action.type is ResourceType.CONVERSATION and action.verb is Verb.REPLACE


def _sid(binding: Binding | None) -> str | None:
    return binding.sid if binding is not None else None


def _into_new(action: Action) -> Action:
    """Return *action* for a conversation whose old one is deleted: a replacement becomes a create."""
    if action.verb is not Verb.REPLACE:
        return action
    return msgspec.structs.replace(
        action, verb=Verb.CREATE, sid=None, before={}, changes=(), with_parent=False, fingerprint={}
    )


def _rest_of_replacement(action: Action, state: State) -> Action | None:
    """Return the deletion of the old object if the new one is bound, None if nothing is left to do."""
    binding = state.bindings.get(action.address)
    if binding is None or binding.sid == action.sid:
        return action
    if action.sid not in binding.superseded:
        return None
    return msgspec.structs.replace(
        action,
        verb=Verb.DELETE,
        reason=Reason.SUPERSEDED,
        after={},
        send={},
        managed=(),
        changes=(),
        replace_paths=(),
        file=None,
    )
