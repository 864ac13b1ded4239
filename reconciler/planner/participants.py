"""Plan the participants of one conversation: created before its messages, removed after them.

A participant has a natural key, its identity or its pair of addresses, and the API refuses a second
one: what is there already is bound, and stays when the manifest lets go of it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconciler.model import Address, RemoteParticipant
from reconciler.planner.actions import Action, Reason, Verb
from reconciler.planner.changes import field_changes
from reconciler.planner.diff import PARTICIPANT, compare, digests
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.notices import tell
from reconciler.planner.people import live_participant_values, natural_key, participant_values
from reconciler.state.model import Binding


def plan_participants(draft: Draft, scope: Scope, bound: Mapping[Address, Binding]) -> list[Action]:
    """Add what the declared participants need; return the removals, which go behind the messages."""
    declared = scope.desired.participants if scope.desired is not None else ()
    live = scope.view.participants or {}
    by_key = {natural_key(live_participant_values(one)): one for one in live.values()}
    wanted = {f"{scope.address}/participants/{one.key}": participant_values(one) for one in declared}
    leaving = {
        binding.sid: address
        for address, binding in sorted(bound.items())
        if address not in wanted and scope.selects(address)
    }
    for address, values in wanted.items():
        if not scope.selects(address):
            continue
        binding = bound.get(address)
        there = live.get(binding.sid) if binding is not None else by_key.get(natural_key(values))
        if there is None:
            reason = Reason.MISSING_REMOTELY if binding is not None else Reason.NOT_IN_STATE
            draft.actions.append(
                Action(address, Verb.CREATE, reason, after=values, send=values, managed=tuple(values))
            )
        else:
            if binding is None and (previous := leaving.pop(there.sid, None)) is not None:  # only renamed
                binding = draft.bindings[address] = bound[previous]
                draft.bindings[previous] = None
            _compare(draft, scope, address, values, there, binding)
    return [
        action for address in leaving.values() for action in _let_go(draft, scope, address, bound[address])
    ]


def _compare(
    draft: Draft,
    scope: Scope,
    address: Address,
    values: dict[str, str],
    there: RemoteParticipant,
    binding: Binding | None,
) -> None:
    shown = live_participant_values(there)
    if binding is None:
        remote = scope.view.remote
        binding = Binding(
            sid=there.sid,
            service_sid=scope.service_sid,
            conversation_sid=remote.sid if remote is not None else "",
            imported=True,
        )
        draft.bindings[address] = binding
    found = compare(PARTICIPANT, values, shown, binding, scope.digest)
    tell(draft, address, found)
    if not found.fields:
        sent, observed = digests(PARTICIPANT, values, shown, scope.digest)
        now = msgspec.structs.replace(binding, sent=sent, observed=observed, imported=False)
        if now != binding:
            draft.bindings[address] = now
        return
    immutable = PARTICIPANT.immutable.intersection(found.fields)
    draft.actions.append(
        Action(
            address,
            Verb.REPLACE if immutable else Verb.UPDATE,
            Reason.IMMUTABLE_FIELD if immutable else found.reason,
            sid=there.sid,
            before={name: text for name, text in shown.items() if name in values or name in binding.sent},
            after=values | found.fields,
            send=values if immutable else found.fields,
            managed=tuple(values),
            reset=found.reset,
            replace_paths=tuple(sorted(immutable)),
            changes=field_changes(
                {name: shown[name] for name in found.fields if name in shown},
                {name: text for name, text in found.fields.items() if text},
            ),
        )
    )


def _let_go(draft: Draft, scope: Scope, address: Address, binding: Binding) -> list[Action]:
    live = (scope.view.participants or {}).get(binding.sid)
    if live is None or not binding.created:
        draft.bindings[address] = None
        return []
    reason = Reason.REQUESTED if scope.options.destroy else Reason.REMOVED_FROM_MANIFEST
    shown = live_participant_values(live)
    before = {name: text for name, text in shown.items() if name in binding.sent}
    return [Action(address, Verb.DELETE, reason, sid=live.sid, before=before)]
