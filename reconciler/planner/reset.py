"""Make a conversation anew: deleted with all that is in it, created, and filled as its manifest says.

`--replace service/conversation` asks for it. `--reset` needs it for a closed conversation, which can neither
be opened nor changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    RemoteConversation,
    RemoteMessage,
    RemoteParticipant,
    Unmanaged,
)
from reconciler.planner.changes import field_changes
from reconciler.planner.conversation import ACTIVE
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.message import Entry
from reconciler.planner.message_actions import deletion, emit, judge_replacement
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.resources.conversation import conversation_values, live_conversation_values
from reconciler.resources.message import live_values
from reconciler.resources.participant import live_participant_values, natural_key, participant_values
from reconciler.state.remembered import Binding
from reconciler.text.words import plural

CLOSED: Final = "closed"
GONE: Final = ConversationView(remote=None)


def make_anew(scope: Scope, desired: Conversation, live: RemoteConversation) -> Draft:
    """Return the draft that replaces the *live* conversation of *scope* with everything in it.

    It is refused if this tool did not create the conversation, and if unmanaged messages would be lost.
    """
    remake = _Remake(scope, desired, live)
    remake.plan()
    return remake.draft


class _Remake:
    """One conversation that is made anew."""

    def __init__(self, scope: Scope, desired: Conversation, live: RemoteConversation) -> None:
        self.draft = Draft()
        self.scope = scope
        self.desired = desired
        self.live = live

    def plan(self) -> None:
        """Add its actions, and the reasons against them."""
        binding = self.scope.binding
        created = binding is not None and binding.created and self.desired.sid is None
        if not created:
            self._refuse(
                "not_created",
                "but this tool did not create it",
                f"leave it out with `--exclude {self.scope.address}`, or delete it yourself, and apply",
            )
        self.draft.actions.append(self._replacement(binding))
        gone = [*self._participants(self.scope.participants), *self._messages()]
        strangers = [action for action in gone if action.reason is Reason.UNMANAGED]
        spared = [one.sid for one in self.scope.bindings.values() if one.released]
        if strangers and created and self.desired.unmanaged is Unmanaged.KEEP:
            kinds = [action.type for action in strangers]
            held = " and ".join(plural(kinds.count(kind), kind) for kind in dict.fromkeys(kinds))
            self._refuse(
                "unmanaged_inside",
                f"but it holds {held} of others",
                "if they may go, say `unmanaged: delete` in its manifest; "
                f"or leave it out with `--exclude {self.scope.address}`",
            )
        elif any(action.sid in spared for action in strangers):
            self._refuse(
                "spared_inside",
                "but it holds messages that were forgotten and are to be spared",
                f"leave it out with `--exclude {self.scope.address}`",
            )
        self.draft.actions += gone

    def _refuse(self, code: str, text: str, hint: str) -> None:
        asked = f"is {CLOSED} and" if self.live.state == CLOSED else "is to be replaced and"
        self.draft.refuse(
            code, f"`{self.scope.address}` ({self.live.sid}) {asked} would have to be deleted, {text}", hint
        )

    def _replacement(self, binding: Binding | None) -> Action:
        wanted, shown = conversation_values(self.desired), live_conversation_values(self.live)
        state = self.desired.state or ACTIVE
        return Action(
            self.scope.address,
            Verb.REPLACE,
            Reason.REQUESTED,
            sid=self.live.sid,
            index=max((message.index for message in self.scope.view.messages.values()), default=-1),
            before={
                name: text
                for name, text in shown.items()
                if name in wanted or name == "state" or (binding is not None and name in binding.sent)
            },
            after=wanted,
            send=wanted,
            managed=tuple(wanted),
            changes=() if state == self.live.state else (FieldChange(("state",), self.live.state, state),),
            anchor=self.desired.anchor,
        )

    def _participants(self, bound: Mapping[Address, Binding]) -> Iterator[Action]:
        """Add the creates of those whom the manifest names; yield the deletions of all others."""
        live = self.scope.view.participants or {}
        by_key = {natural_key(live_participant_values(one)): one for one in live.values()}
        named = set()
        for one in self.desired.participants:
            address = f"{self.scope.address}/participants/{one.key}"
            values = participant_values(one)
            there = by_key.get(natural_key(values))
            reason = Reason.NOT_IN_STATE if address not in bound else Reason.MISSING_REMOTELY
            action = Action(address, Verb.CREATE, reason, after=values, send=values, managed=tuple(values))
            if there is not None:
                named.add(there.sid)
                action = _posted_again(action, there.sid, live_participant_values(there))
            self.draft.actions.append(action)
        ours = {
            sid: address
            for address, binding in bound.items()
            for sid in (*((binding.sid,) if binding.created else ()), *binding.superseded)
        }
        for sid, person in live.items():
            if sid not in named:
                yield self._removal(person, ours.get(sid))

    def _removal(self, person: RemoteParticipant, address: Address | None) -> Action:
        return Action(
            address or f"{self.scope.address}/participants/{person.sid}",
            Verb.DELETE,
            Reason.UNMANAGED if address is None else Reason.REMOVED_FROM_MANIFEST,
            sid=person.sid,
            before=live_participant_values(person),
            with_parent=True,
        )

    def _messages(self) -> Iterator[Action]:
        """Add the creates of those that the manifest has; yield the deletions of all others, by index."""
        bindings, messages = self.scope.bindings, self.scope.view.messages
        declared = set()
        for message in self.desired.messages:
            address = f"{self.scope.address}/{message.key}"
            binding = bindings.get(address)
            old = messages.get(binding.sid) if binding is not None else None
            reason = Reason.NOT_IN_STATE if binding is None else Reason.MISSING_REMOTELY
            entry = Entry(message, address, binding, verb=Verb.CREATE, reason=reason)
            emit(self.draft, self.scope, entry)
            if old is not None:
                declared.add(old.sid)
                action = _posted_again(self.draft.actions[-1], old.sid, live_values(old))
                action = msgspec.structs.replace(action, index=old.index)
                self.draft.actions[-1] = action
                judge_replacement(self.draft, entry, action, old)
        owners = {binding.sid: address for address, binding in bindings.items() if not binding.released}
        replaced = {sid: address for address, binding in bindings.items() for sid in binding.superseded}
        for old in sorted(messages.values(), key=lambda message: message.index):
            if old.sid not in declared:
                yield self._deletion(old, owners.get(old.sid), replaced.get(old.sid))

    def _deletion(self, old: RemoteMessage, owner: Address | None, replaced: Address | None) -> Action:
        reason = Reason.UNMANAGED
        if owner is not None:
            reason = Reason.REMOVED_FROM_MANIFEST
        elif replaced is not None:
            reason = Reason.SUPERSEDED
        action = deletion(owner or replaced or f"{self.scope.address}/{old.sid}", old, reason)
        return msgspec.structs.replace(action, with_parent=True)


def _posted_again(action: Action, sid: str, shown: Mapping[str, str]) -> Action:
    """Return the create *action* as the replacement of *sid*, which is deleted with its conversation."""
    before = {name: text for name, text in shown.items() if name in action.after}
    differs = {name: text for name, text in before.items() if text != action.after[name]}
    return msgspec.structs.replace(
        action,
        verb=Verb.REPLACE,
        reason=Reason.REQUESTED,
        sid=sid,
        before=before,
        changes=field_changes(differs, {name: action.after[name] for name in differs}) if differs else (),
        with_parent=True,
    )
