"""Bring the messages of one conversation into shape: creates in order, then what they replace goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from reconciler.applier.posting import Creates
from reconciler.errors import NotFound, RemoteError
from reconciler.model import Address, ResourceType, parent_of
from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Status
from reconciler.resources.binding import message_up_to_date
from reconciler.resources.message import MESSAGE
from reconciler.resources.schema import digests
from reconciler.runtime.concurrency import concurrently, each
from reconciler.state.model import Binding, Bound, gone

if TYPE_CHECKING:
    from reconciler.applier.apply import Run


_RECORD_ONLY: Final = frozenset({Verb.MOVE, Verb.ADOPT, Verb.FORGET})


class Lane:
    """One conversation and what is to be done in it."""

    def __init__(self, run: Run, address: Address, actions: Sequence[Action], *, unordered: bool) -> None:
        self.run = run
        self.address = address
        self.actions = actions
        posts = [action for action in actions if action.verb in {Verb.CREATE, Verb.REPLACE}]
        self.creates = Creates(run, posts, unordered=unordered)
        self._where = ("", "")

    def record_only(self, service_sid: str, sid: str) -> None:
        """Take into the state what needs no request: what is forgotten, moved, adopted."""
        state = self.run.state
        self._where = (service_sid, sid)
        for action in self.actions:
            binding = state.bindings.get(action.address)
            if action.verb is Verb.FORGET and not action.released and binding is not None:
                state.apply(gone(action.address, binding, binding.sid))
        moved = {
            action.address: state.bindings.pop(action.previous_address)
            for action in self.actions
            if action.previous_address is not None
        }
        state.bindings.update(moved)
        for action in self.actions:
            if action.verb is Verb.ADOPT:
                state.apply(Bound(action.address, self._adopted(action)))
            if action.verb in _RECORD_ONLY:
                self.run.progress.carried(action)

    def recorded(self) -> None:
        """Report what `record_only` did: it is on disk now."""
        for action in self.actions:
            if action.verb in _RECORD_ONLY:
                self.run.results.finish(action, Status.DONE, sid=action.sid)

    async def work(self, service_sid: str, sid: str) -> None:
        """Carry everything out; failures are reported, and only a broken journal is raised."""
        self._where = (service_sid, sid)
        updates = [action for action in self.actions if action.verb is Verb.UPDATE]
        await concurrently(
            [
                self.creates.post(service_sid, sid),
                each(updates, self._update, at_once=self.run.parallelism),
            ]
        )
        await each(self._deletes(), self._delete, at_once=self.run.parallelism)

    def went_along(self) -> None:
        """Report the messages that were deleted with their conversation."""
        for action in self.actions:
            if action.with_parent and action.verb is Verb.DELETE:
                self.run.results.finish(action, Status.DONE, sid=action.sid)

    def _adopted(self, action: Action) -> Binding:
        managed = {name: action.after[name] for name in action.managed}
        sent, observed = digests(MESSAGE, managed, managed, self.run.state.digest, ignored=action.ignored)
        before = self.run.state.bindings.get(action.address)
        if before is not None and before.sid == action.sid:
            observed |= before.observed  # it says the same, but in another way
        return Binding(
            sid=action.sid or "",
            service_sid=self._where[0],
            conversation_sid=self._where[1],
            index=action.index,
            sent=sent,
            observed=observed,
            superseded=before.superseded if before is not None else (),
            sensitive=action.sensitive,
            ignored=action.ignored,
        )

    async def _update(self, action: Action) -> None:
        async with self.run.turns.turn(1):
            if self.run.stopping or action.sid is None or not self.run.is_ready(action):
                return
            self.run.results.start(action)
            try:
                live = await self.run.client.update_message(
                    *self._where, action.sid, action.send, webhooks=action.webhooks
                )
            except NotFound:
                self.run.results.refuse(
                    action, f"{action.sid} was deleted since the plan was made; plan again"
                )
                return
            except RemoteError as error:
                self.run.results.fail(action, error)
                return
        binding = message_up_to_date(
            self.run.state.bindings[action.address],
            live,
            {name: action.after[name] for name in action.managed},
            self.run.state.digest,
            ignored=action.ignored,
            sensitive=action.sensitive,
        )
        await self.run.record(Bound(action.address, binding), done=action)
        self.run.results.notice_rewritten(action, binding)
        self.run.results.finish(action, Status.DONE, sid=action.sid)

    def _deletes(self) -> list[Action]:
        """Return what may be deleted now: of replacements only what has its successor."""
        return [
            action
            for action in self.actions
            if (action.verb is Verb.DELETE and not action.with_parent)
            or (
                action.verb is Verb.REPLACE and not action.with_parent and action.address in self.creates.done
            )
        ]

    async def _delete(self, action: Action) -> None:
        async with self.run.turns.turn(1):
            if self.run.stopping or action.sid is None:
                return
            if action.verb is Verb.DELETE:
                self.run.results.start(action)
            try:
                await self.run.client.delete_message(*self._where, action.sid, webhooks=action.webhooks)
            except NotFound:
                pass  # somebody was quicker
            except RemoteError as error:
                self.run.results.fail(action, error)
                return
        binding = self.run.state.bindings.get(action.address)
        if binding is not None:
            await self.run.record(gone(action.address, binding, action.sid), done=action)
        sid = binding.sid if binding is not None and action.verb is Verb.REPLACE else action.sid
        self.run.results.finish(action, Status.DONE, sid=sid)


def lanes_of(run: Run) -> dict[Address, Lane]:
    """Return a lane per conversation that anything is to be done in."""
    grouped: dict[Address, list[Action]] = {}
    for action in run.plan.actions:
        if action.type is ResourceType.MESSAGE:
            grouped.setdefault(parent_of(action.address), []).append(action)
        elif action.type is ResourceType.CONVERSATION:
            grouped.setdefault(action.address, [])
        elif action.type is ResourceType.PARTICIPANT:
            grouped.setdefault(parent_of(action.address), [])
    unordered = frozenset(run.plan.unordered)
    return {
        address: Lane(run, address, actions, unordered=address in unordered)
        for address, actions in grouped.items()
    }
