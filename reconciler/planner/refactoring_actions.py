"""The actions of the blocks `import:`, `moved:` and `removed:`. None of them sends a request."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.model import (
    PARTICIPANTS,
    Address,
    ConversationView,
    Desired,
    Message,
    Participant,
    Remote,
    RemoteMessage,
    RemoteParticipant,
    ResourceType,
    conversation_of,
    declared_conversations,
    parent_of,
    type_of,
)
from reconciler.planner.message_actions import forgetting
from reconciler.planner.refactoring import Refactored
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.part import Part, Piece, map_pieces
from reconciler.plans.plan import Refusal
from reconciler.resources.binding import existing
from reconciler.resources.message import desired_values, live_values
from reconciler.resources.participant import live_participant_values, natural_key, participant_values
from reconciler.state.model import Bound, Unbound

_CARRIES: Final = frozenset({Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.DELETE})
"""Actions that write the binding of their address, and so can move it from a previous one."""


_ABSENT: Final = ConversationView(remote=None)


def with_refactoring(made: Part, refactored: Refactored, desired: Desired, remote: Remote) -> Part:
    """Return *made*, planned from what was *refactored*, with the actions and records of the blocks.

    *desired* are the refactored manifests with times and sids filled in.
    """
    if refactored.is_plain:
        return made
    finishing = _Finishing(made, refactored, desired, remote)
    finishing.move()
    finishing.take_over()
    finishing.judge_contested()
    finishing.forget()
    return finishing.part(made)


class _Open(Struct):
    """One service or conversation while the blocks' actions are added."""

    piece: Piece
    first: list[Action]
    """The actions that come before the others."""
    actions: list[Action]
    records: dict[Address, Bound | Unbound]

    def closed(self, counted_as_no_ops: int) -> Piece:
        """Return the piece with what was added; some of its actions were counted as no-ops."""
        return msgspec.structs.replace(
            self.piece,
            first=tuple(self.first),
            actions=tuple(self.actions),
            records=tuple(self.records.values()),
            no_ops=self.piece.no_ops - counted_as_no_ops,
        )


class _Finishing:
    """The pieces of a plan while the blocks' actions are added."""

    def __init__(self, made: Part, refactored: Refactored, desired: Desired, remote: Remote) -> None:
        self.refactored = refactored
        self.desired = desired
        self.remote = remote
        self.refusals: list[Refusal] = []
        self._pieces = {piece.address: piece for piece in made.pieces}
        self._open: dict[Address, _Open] = {}

    def at(self, address: Address) -> _Open:
        """Return the service or conversation of *address*; one that the plan leaves alone gets a piece."""
        place = conversation_of(address)
        opened = self._open.get(place)
        if opened is None:
            piece = self._pieces.get(place) or Piece(place, is_removal=True, remains=False, is_touched=False)
            records = {record.address: record for record in piece.records}
            opened = _Open(piece, list(piece.first), list(piece.actions), records)
            self._open[place] = opened
        return opened

    def part(self, made: Part) -> Part:
        """Return *made* with everything that was added."""
        closed = {place: one.closed(self._counted_as_no_ops(one.first)) for place, one in self._open.items()}
        part = map_pieces(made, lambda piece: closed.get(piece.address, piece))
        new = [closed[place] for place in sorted(closed.keys() - self._pieces.keys())]
        return msgspec.structs.replace(
            part,
            services=(*part.services, *(one for one in new if "/" not in one.address)),
            conversations=(*part.conversations, *(one for one in new if "/" in one.address)),
            refusals=(*self.refactored.refusals, *self.refusals),
        )

    @cached_property
    def _messages(self) -> dict[Address, Message]:
        """The declared messages."""
        return {
            f"{address}/{message.key}": message
            for address, conversation in declared_conversations(self.desired)
            for message in conversation.messages
        }

    @cached_property
    def _participants(self) -> dict[Address, Participant]:
        """The declared participants."""
        return {
            f"{address}/{PARTICIPANTS}/{one.key}": one
            for address, conversation in declared_conversations(self.desired)
            for one in conversation.participants
        }

    def _counted_as_no_ops(self, first: Iterable[Action]) -> int:
        """Return the number of actions for messages that are counted as no-ops: they need nothing else."""
        bindings = self.refactored.state.bindings
        return sum(
            action.verb is Verb.ADOPT or (action.verb is Verb.MOVE and not bindings[action.address].released)
            for action in first
        )

    def move(self) -> None:
        """Move bindings: a message's with an action, its parents' as records."""
        for address, previous in self.refactored.moved.items():
            place = self.at(address)
            if type_of(address) is not ResourceType.MESSAGE:
                binding = self.refactored.state.bindings[address]
                place.records.setdefault(address, Bound(address, binding))
                place.records[previous] = Unbound(previous)
                continue
            record = place.records.pop(address, None)
            for at, action in enumerate(place.actions):
                if action.previous_address == address:  # its key was renamed besides
                    place.actions[at] = msgspec.structs.replace(action, previous_address=previous)
                    break
                if action.address == address and action.reason is not Reason.SUPERSEDED:
                    if action.verb is Verb.ADOPT or action.importing:
                        # The old message was deleted or superseded; this action binds its successor.
                        place.records[previous] = Unbound(previous)
                        if record is not None:
                            place.records[address] = record
                    elif action.verb in _CARRIES:
                        place.actions[at] = msgspec.structs.replace(action, previous_address=previous)
                    else:
                        place.actions[at] = msgspec.structs.replace(action, address=previous)
                    break
            else:
                place.first.append(self._moving(address, previous))

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
            place = self.at(address)
            service = self.remote.services.get(address.partition("/")[0])
            view = self.remote.conversations.get(parent_of(address), _ABSENT)
            live = _in(view, address, sid)
            record = place.records.pop(address, None)
            mine = [at for at, action in enumerate(place.actions) if action.address == address]
            refusal = self._refusal(address, sid, live)
            if refusal is not None or live is None or view.remote is None or service is None:
                self.refusals.append(refusal or _missing(address, sid))
                place.actions = [action for action in place.actions if action.address != address]
                continue
            binding = existing(
                sid,
                service_sid=service.sid,
                conversation_sid=view.remote.sid,
                index=live.index if isinstance(live, RemoteMessage) else -1,
            )
            if mine:
                place.records[address] = Bound(address, binding)
                for at in mine:
                    place.actions[at] = msgspec.structs.replace(place.actions[at], importing=True)
            elif isinstance(live, RemoteMessage):
                place.first.append(self._adopting(address, live))
            else:
                sent = record.binding.sent if isinstance(record, Bound) else {}
                place.records[address] = Bound(
                    address, msgspec.structs.replace(binding, sent=sent, imported=False)
                )

    def _adopting(self, address: Address, live: RemoteMessage) -> Action:
        message = self._messages[address]
        wanted = desired_values(message)
        return Action(
            address,
            Verb.ADOPT,
            Reason.REQUESTED,
            sid=live.sid,
            index=live.index,
            before=wanted,
            after=wanted,
            managed=tuple(wanted),
            ignored=message.ignore_changes,
        )

    def _refusal(
        self, address: Address, sid: str, live: RemoteMessage | RemoteParticipant | None
    ) -> Refusal | None:
        """Return why *live* cannot be imported: it is gone, or is another person than the declared one."""
        if live is None:
            return _missing(address, sid)
        if isinstance(live, RemoteMessage):
            return None
        declared = natural_key(participant_values(self._participants[address]))
        if declared == natural_key(live_participant_values(live)):
            return None
        return Refusal(
            "import_conflict",
            f"`{address}` cannot be imported: {sid} is another participant than the one that is declared",
            "correct the sid in the `import:` block, or declare that participant's identity or addresses",
        )

    def judge_contested(self) -> None:
        """Refuse to import an object to an address that is bound to another one.

        It is permitted if the imported object is gone: then it was imported earlier and replaced since. So
        the block may stay in the manifest.
        """
        for address, sid in self.refactored.contested.items():
            bound = self.refactored.state.bindings[address]
            view = self.remote.conversations.get(parent_of(address), _ABSENT)
            if _in(view, address, sid) is not None and sid not in bound.superseded:
                self.refusals.append(
                    Refusal(
                        "import_conflict",
                        f"`{address}` is bound already, to {bound.sid}, not to {sid}",
                        f"take it out of the `import:` block, or run `reconciler state rm {address}` first",
                    )
                )

    def forget(self) -> None:
        """Forget bindings, and record those that stay as released."""
        for address, binding in self.refactored.forgotten.items():
            now = self.refactored.renamed.get(address, address)
            place = self.at(now)
            if type_of(address) is ResourceType.PARTICIPANT:
                place.records[address] = Unbound(address)
                continue
            left = self.refactored.state.bindings.get(now)
            released = left is not None and left.released
            if left is not None and released:
                place.records[now] = Bound(now, left)
            elif left is not None:
                place.actions = [_as_superseded(one) if one.address == now else one for one in place.actions]
            place.first.append(
                forgetting(
                    address,
                    binding,
                    self.remote.forgotten.get(binding.sid, {}),
                    Reason.REMOVED_FROM_MANIFEST,
                    released=released and now == address,
                )
            )


def _in(view: ConversationView, address: Address, sid: str) -> RemoteMessage | RemoteParticipant | None:
    """Return the live object *sid* of a conversation, of the type that *address* has."""
    if type_of(address) is ResourceType.PARTICIPANT:
        return (view.participants or {}).get(sid)
    return view.messages.get(sid)


def _missing(address: Address, sid: str) -> Refusal:
    return Refusal(
        "import_missing",
        f"`{address}` cannot be imported: there is no {type_of(address)} {sid} in `{parent_of(address)}`",
        "correct the sid in the `import:` block, or take the entry out",
    )


def _as_superseded(action: Action) -> Action:
    """Return *action*, which deletes a superseded message of a forgotten address, with that reason."""
    return msgspec.structs.replace(action, reason=Reason.SUPERSEDED)
