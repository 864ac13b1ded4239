"""The actions of the blocks `import:`, `moved:` and `removed:`. None of them sends a request."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec

from reconciler.model import (
    Address,
    ConversationView,
    Desired,
    Message,
    Remote,
    RemoteMessage,
    ResourceType,
    declared_conversations,
    parent_of,
    type_of,
)
from reconciler.planner.message_actions import forgetting
from reconciler.planner.refactoring import Refactored
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.plan import Plan, Refusal
from reconciler.resources.binding import existing
from reconciler.resources.message import desired_values, live_values
from reconciler.state.model import Bound, Unbound

_CARRIES: Final = frozenset({Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.DELETE})
"""Actions that write the binding of their address, and so can move it from a previous one."""


_ABSENT: Final = ConversationView(remote=None)


def with_refactoring(made: Plan, refactored: Refactored, desired: Desired, remote: Remote) -> Plan:
    """Return *made*, a plan from what was *refactored*, with the actions and records of the blocks.

    *desired* are the refactored manifests with times and sids filled in.
    """
    if refactored.is_plain:
        return made
    finishing = _Finishing(made, refactored, desired, remote)
    finishing.move()
    finishing.take_over()
    finishing.judge_contested()
    finishing.forget()
    return msgspec.structs.replace(
        made,
        actions=(*finishing.first, *finishing.actions),
        records=tuple(finishing.records.values()),
        refusals=(*refactored.refusals, *finishing.refusals, *made.refusals),
        no_ops=made.no_ops - finishing.counted_as_no_ops,
    )


class _Finishing:
    """A plan while the blocks' actions are added; *first* come before the others."""

    def __init__(self, made: Plan, refactored: Refactored, desired: Desired, remote: Remote) -> None:
        self.refactored = refactored
        self.desired = desired
        self.remote = remote
        self.first: list[Action] = []
        self.actions = list(made.actions)
        self.records = {record.address: record for record in made.records}
        self.refusals: list[Refusal] = []

    @cached_property
    def _messages(self) -> dict[Address, Message]:
        """The declared messages."""
        return {
            f"{address}/{message.key}": message
            for address, conversation in declared_conversations(self.desired)
            for message in conversation.messages
        }

    @property
    def counted_as_no_ops(self) -> int:
        """The number of actions for messages that the plan counts as no-ops: they need nothing else."""
        bindings = self.refactored.state.bindings
        return sum(
            action.verb is Verb.ADOPT or (action.verb is Verb.MOVE and not bindings[action.address].released)
            for action in self.first
        )

    def move(self) -> None:
        """Move bindings: a message's with an action, its parents' as records."""
        for address, previous in self.refactored.moved.items():
            if type_of(address) is not ResourceType.MESSAGE:
                binding = self.refactored.state.bindings[address]
                self.records.setdefault(address, Bound(address, binding))
                self.records[previous] = Unbound(previous)
                continue
            record = self.records.pop(address, None)
            for at, action in enumerate(self.actions):
                if action.previous_address == address:  # its key was renamed besides
                    self.actions[at] = msgspec.structs.replace(action, previous_address=previous)
                    break
                if action.address == address and action.reason is not Reason.SUPERSEDED:
                    if action.verb is Verb.ADOPT or action.importing:
                        # The old message was deleted or superseded; this action binds its successor.
                        self.records[previous] = Unbound(previous)
                        if record is not None:
                            self.records[address] = record
                    elif action.verb in _CARRIES:
                        self.actions[at] = msgspec.structs.replace(action, previous_address=previous)
                    else:
                        self.actions[at] = msgspec.structs.replace(action, address=previous)
                    break
            else:
                self.first.append(self._moving(address, previous))

    def _moving(self, address: Address, previous: Address) -> Action:
        """Return the move of a message that needs nothing else: it shows what it is, before and after."""
        binding = self.refactored.state.bindings[address]
        message, live = self._messages.get(address), self._live(address, binding.sid)
        wanted = desired_values(message) if message is not None else {}
        shown = live_values(live) if live is not None else {}
        return Action(
            address,
            Verb.MOVE,
            Reason.RENAMED,
            sid=binding.sid,
            index=binding.index,
            before={name: text for name, text in shown.items() if name in wanted},
            after=wanted,
            previous_address=previous,
        )

    def _live(self, address: Address, sid: str) -> RemoteMessage | None:
        return self.remote.conversations.get(parent_of(address), _ABSENT).messages.get(sid)

    def take_over(self) -> None:
        """Bind what is imported; where it differs from the manifest, mark the action on it."""
        for address, sid in self.refactored.imported.items():
            service = self.remote.services.get(address.partition("/")[0])
            view = self.remote.conversations.get(parent_of(address), _ABSENT)
            live = view.messages.get(sid)
            self.records.pop(address, None)
            mine = [at for at, action in enumerate(self.actions) if action.address == address]
            if live is None or view.remote is None or service is None:
                self._refuse_missing(address, sid)
                self.actions = [action for action in self.actions if action.address != address]
            elif mine:
                binding = existing(
                    sid, service_sid=service.sid, conversation_sid=view.remote.sid, index=live.index
                )
                self.records[address] = Bound(address, binding)
                for at in mine:
                    self.actions[at] = msgspec.structs.replace(self.actions[at], importing=True)
            else:
                message = self._messages[address]
                wanted = desired_values(message)
                self.first.append(
                    Action(
                        address,
                        Verb.ADOPT,
                        Reason.REQUESTED,
                        sid=sid,
                        index=live.index,
                        before=wanted,
                        after=wanted,
                        managed=tuple(wanted),
                        ignored=message.ignore_changes,
                    )
                )

    def judge_contested(self) -> None:
        """Refuse to import a message to an address that is bound to another message.

        It is permitted if the imported message is gone: then it was imported earlier and replaced since. So
        the block may stay in the manifest.
        """
        for address, sid in self.refactored.contested.items():
            bound = self.refactored.state.bindings[address]
            view = self.remote.conversations.get(parent_of(address), _ABSENT)
            if sid in view.messages and sid not in bound.superseded:
                self.refusals.append(
                    Refusal(
                        "import_conflict",
                        f"`{address}` is bound already, to {bound.sid}, not to {sid}",
                        f"take it out of the `import:` block, or run `reconciler state rm {address}` first",
                    )
                )

    def forget(self) -> None:
        """Forget bindings, children before their parents; record those that stay as released."""
        for address, binding in sorted(self.refactored.forgotten.items(), reverse=True):
            if type_of(address) is ResourceType.PARTICIPANT:
                self.records[address] = Unbound(address)
                continue
            now = self.refactored.renamed.get(address, address)
            left = self.refactored.state.bindings.get(now)
            released = left is not None and left.released
            if left is not None and released:
                self.records[now] = Bound(now, left)
            elif left is not None:
                self.actions = [_as_superseded(one) if one.address == now else one for one in self.actions]
            self.first.append(
                forgetting(
                    address,
                    binding,
                    self._live(now, binding.sid),
                    Reason.REMOVED_FROM_MANIFEST,
                    released=released and now == address,
                )
            )

    def _refuse_missing(self, address: Address, sid: str) -> None:
        self.refusals.append(
            Refusal(
                "import_missing",
                f"`{address}` cannot be imported: there is no message {sid} in `{parent_of(address)}`",
                "correct the sid in the `import:` block, or take the entry out",
            )
        )


def _as_superseded(action: Action) -> Action:
    """Return *action*, which deletes a superseded message of a forgotten address, with that reason."""
    return msgspec.structs.replace(action, reason=Reason.SUPERSEDED)
