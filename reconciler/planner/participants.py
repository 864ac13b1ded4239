"""Plan the participants of one conversation: created before its messages, removed after them.

A participant has a natural key, its identity or its pair of addresses, and the API refuses a second one with
it. A participant that exists already is bound, and stays when the manifest no longer has it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconciler.model import Address, ConversationView, RemoteParticipant, Unmanaged
from reconciler.planner.changes import field_changes
from reconciler.planner.compare import compare
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.notices import warn_about
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.resources.binding import existing, up_to_date
from reconciler.resources.participant import (
    PARTICIPANT,
    live_participant_values,
    natural_key,
    participant_values,
)
from reconciler.state.remembered import Binding


def plan_participants(draft: Draft, scope: Scope) -> list[Action]:
    """Add what the declared participants need; return the removals, which come after the messages."""
    declared = scope.desired.participants if scope.desired is not None else ()
    # The business number of group texting first: the people of the group have no proxy address.
    declared = tuple(sorted(declared, key=lambda one: one.projected_address is None))
    wanted = {f"{scope.address}/participants/{one.key}": participant_values(one) for one in declared}
    bound, people = scope.participants, _Participants(scope, wanted)
    for address, values in wanted.items():
        if not scope.selects(address):
            continue
        binding = bound.get(address)
        there = people.found(values, binding)
        if there is None:
            people.warn_if_kept(draft, address, binding)
            reason = people.reason_to_create(binding)
            draft.actions.append(
                Action(address, Verb.CREATE, reason, after=values, send=values, managed=tuple(values))
            )
        else:
            if binding is None or binding.sid != there.sid:
                people.warn_if_kept(draft, address, binding)
                binding = draft.bindings[address] = people.taken_over(there, binding)
            _compare(draft, scope, address, values, there, binding)
        _drop_superseded(draft, people, address, draft.bindings.get(address, binding))
    leaving = []
    for address, binding in sorted(bound.items()):
        if address in wanted or not scope.selects(address):
            continue
        if binding.sid in people.claimed:  # its key was renamed
            draft.bindings[address] = None
        else:
            leaving += _let_go(draft, scope, people, address, binding)
    if scope.reset and scope.desired is not None and scope.desired.unmanaged is Unmanaged.DELETE:
        handled = people.claimed | {action.sid for action in (*draft.actions, *leaving)}
        leaving += [_outsider(scope, one) for sid, one in people.live.items() if sid not in handled]
    return leaving


def others_in(view: ConversationView, bound: Mapping[Address, Binding]) -> list[RemoteParticipant]:
    """Return the participants of a conversation that this tool did not create."""
    ours = {sid for binding in bound.values() for sid in binding.superseded}
    ours.update(binding.sid for binding in bound.values() if binding.created)
    return [live for sid, live in (view.participants or {}).items() if sid not in ours]


class _Participants:
    """The live participants of a conversation, and the address to which each is bound.

    *claimed* are the sids of those that the manifest declares, whatever they were bound to before. So two
    keys that swap their participants need no request.
    """

    def __init__(self, scope: Scope, wanted: Mapping[Address, dict[str, str]]) -> None:
        self.live = scope.view.participants or {}
        self._scope = scope
        self._by_key = {natural_key(live_participant_values(one)): one for one in self.live.values()}
        self._holders = {
            binding.sid: binding for address, binding in scope.participants.items() if scope.selects(address)
        }
        keys = (natural_key(values) for address, values in wanted.items() if scope.selects(address))
        self.claimed = {one.sid for key in keys if (one := self._by_key.get(key)) is not None}

    def found(self, values: Mapping[str, str], binding: Binding | None) -> RemoteParticipant | None:
        """Return the participant with the natural key of *values*, or else the bound one to be replaced.

        A participant that this tool did not create is not replaced by another one: it stays.
        """
        there = self._by_key.get(natural_key(values))
        if there is None and binding is not None and binding.created and binding.sid not in self.claimed:
            there = self.live.get(binding.sid)
        return there

    def taken_over(self, there: RemoteParticipant, before: Binding | None) -> Binding:
        """Return a binding to *there*; it supersedes the object of *before* if this tool created that."""
        remote = self._scope.view.remote
        binding = self._holders.get(there.sid) or existing(
            there.sid,
            service_sid=self._scope.service_sid,
            conversation_sid=remote.sid if remote is not None else "",
        )
        if before is None:
            return binding
        left = (before.sid,) if before.created and before.sid not in self.claimed else ()
        return msgspec.structs.replace(binding, superseded=(*before.superseded, *left))

    def warn_if_kept(self, draft: Draft, address: Address, binding: Binding | None) -> None:
        """Warn that the participant *address* was bound to stays, as this tool did not create it."""
        if binding is None or binding.created or binding.sid not in self.live or binding.sid in self.claimed:
            return
        draft.warn(
            "kept",
            address,
            f"{binding.sid} stays in the conversation and is no longer managed: "
            "this tool did not bring it in",
        )

    def reason_to_create(self, binding: Binding | None) -> Reason:
        """Return why a participant is created whose natural key no live one has."""
        if binding is None:
            return Reason.NOT_IN_STATE
        return Reason.CHANGED_IN_MANIFEST if binding.sid in self.live else Reason.MISSING_REMOTELY

    def removable(self, binding: Binding) -> tuple[str, ...]:
        """Return the superseded participants of *binding* that exist and that no key declares."""
        return tuple(sid for sid in binding.superseded if sid in self.live and sid not in self.claimed)


def _compare(
    draft: Draft,
    scope: Scope,
    address: Address,
    values: dict[str, str],
    there: RemoteParticipant,
    binding: Binding,
) -> None:
    shown = live_participant_values(there)
    untouched = scope.untouched(PARTICIPANT)
    found = compare(PARTICIPANT, values, shown, binding, scope.digest, untouched=untouched)
    warn_about(draft, address, found)
    if not found.fields:
        now = up_to_date(PARTICIPANT, binding, values, shown, scope.digest)
        if now != binding:
            draft.bindings[address] = now
        return
    immutable = PARTICIPANT.immutable.intersection(found.fields)
    if immutable and not binding.created:
        draft.refuse(
            "not_created",
            f"`{address}` ({there.sid}) would have to be removed and brought in again to change "
            f"{', '.join(f'`{name}`' for name in sorted(immutable))}, but this tool did not bring it in",
            "declare what it has, or remove it yourself, and apply",
        )
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


def _drop_superseded(draft: Draft, people: _Participants, address: Address, binding: Binding | None) -> None:
    """Remove superseded participants first, before a message is posted that would reach them."""
    if binding is None or not binding.superseded:
        return
    still = people.removable(binding)
    draft.actions += [_removal(address, people.live[sid], Reason.SUPERSEDED, binding) for sid in still]
    if still != binding.superseded:
        draft.bindings[address] = msgspec.structs.replace(binding, superseded=still)


def _let_go(
    draft: Draft, scope: Scope, people: _Participants, address: Address, binding: Binding
) -> list[Action]:
    people.warn_if_kept(draft, address, binding)
    own = (binding.sid,) if binding.created and binding.sid in people.live else ()
    first, *others = (*own, *people.removable(binding)) or ("",)
    if not first:
        draft.bindings[address] = None
        return []
    if (first, *others) != (binding.sid, *binding.superseded):
        draft.bindings[address] = msgspec.structs.replace(binding, sid=first, superseded=tuple(others))
    reason = Reason.REQUESTED if scope.options.destroy else Reason.REMOVED_FROM_MANIFEST
    return [_removal(address, people.live[sid], reason, binding) for sid in (first, *others)]


def _outsider(scope: Scope, live: RemoteParticipant) -> Action:
    """Return the removal of an unmanaged participant."""
    address, before = f"{scope.address}/participants/{live.sid}", live_participant_values(live)
    return Action(address, Verb.DELETE, Reason.UNMANAGED, sid=live.sid, before=before)


def _removal(address: Address, live: RemoteParticipant, reason: Reason, binding: Binding) -> Action:
    shown = live_participant_values(live)
    before = {name: text for name, text in shown.items() if name in binding.sent}
    return Action(address, Verb.DELETE, reason, sid=live.sid, before=before)
