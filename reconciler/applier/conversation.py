"""Carry out the actions on the messages of one conversation: creates in order, then deletions."""

from __future__ import annotations

from typing import Final

from reconciler.applier.context import Context
from reconciler.applier.posting import Creates
from reconciler.errors import NotFound, RemoteError
from reconciler.model import Address
from reconciler.plans.actions import POSTING, Action, InConversation, Verb
from reconciler.plans.outcome import Status
from reconciler.plans.plan import Plan
from reconciler.resources.binding import adopted_message, existing, message_up_to_date
from reconciler.runtime.concurrency import concurrently, each
from reconciler.state.model import Bound, gone
from reconciler.state.remembered import Binding

_RECORD_ONLY: Final = frozenset({Verb.MOVE, Verb.ADOPT, Verb.FORGET})


class ConversationWork:
    """The actions *inside* the conversation at *address*; those on its messages are carried out here.

    *unordered* creates may be posted side by side.
    """

    def __init__(
        self, context: Context, address: Address, inside: InConversation, *, unordered: bool
    ) -> None:
        self.context = context
        self.address = address
        self.inside = inside
        self.actions = inside.messages
        """The actions on messages."""
        creates = [action for action in self.actions if action.verb in POSTING]
        self.creates = Creates(context, creates, unordered=unordered)
        self._where = ("", "")

    def record(self, service_sid: str, sid: str) -> None:
        """Apply to the state the actions that need no request: to forget, move and adopt messages."""
        state = self.context.state
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
                self.context.progress.carried(action)

    def report_recorded(self) -> None:
        """Report the actions that `record` applied, now that they are on disk."""
        for action in self.actions:
            if action.verb in _RECORD_ONLY:
                self.context.results.finish(action, Status.DONE, sid=action.sid)

    async def carry_out(self, service_sid: str, sid: str) -> None:
        """Carry out the other actions. Failed requests are reported; only a broken journal is raised."""
        self._where = (service_sid, sid)
        updates = [action for action in self.actions if action.verb is Verb.UPDATE]
        await concurrently(
            [
                self.creates.post(service_sid, sid),
                each(updates, self._update, at_once=self.context.parallelism),
            ]
        )
        deletes = self._deletes()
        if any(action.verb is Verb.REPLACE for action in deletes):
            await self.context.journal.flush()  # the new message must be on record before the old one goes
        await each(deletes, self._delete, at_once=self.context.parallelism)

    def report_deleted_with_parent(self) -> None:
        """Report the messages that were deleted with their conversation."""
        for action in self.actions:
            if action.with_parent and action.verb is Verb.DELETE:
                self.context.results.finish(action, Status.DONE, sid=action.sid)

    def _adopted(self, action: Action) -> Binding:
        managed = {name: action.after[name] for name in action.managed}
        found = existing(
            action.sid or "",
            service_sid=self._where[0],
            conversation_sid=self._where[1],
            index=action.index,
        )
        return adopted_message(
            found,
            self.context.state.bindings.get(action.address),
            managed,
            self.context.digest,
            ignored=action.ignored,
            sensitive=action.sensitive,
        )

    async def _update(self, action: Action) -> None:
        async with self.context.slots.slot(1):
            if self.context.stopping or action.sid is None or not self.context.is_ready(action):
                return
            self.context.results.start(action)
            full = self.context.completed(action)
            try:
                live = await self.context.client.update_message(
                    *self._where, action.sid, full.send, webhooks=action.webhooks
                )
            except NotFound:
                self.context.results.refuse(
                    action, f"{action.sid} was deleted since the plan was made; plan again"
                )
                return
            except RemoteError as error:
                self.context.results.fail(action, error)
                return
        binding = message_up_to_date(
            self.context.state.bindings[action.address],
            live,
            {name: full.after[name] for name in action.managed},
            self.context.digest,
            ignored=action.ignored,
            sensitive=action.sensitive,
        )
        await self.context.record(Bound(action.address, binding), done=action)
        self.context.results.notice_rewritten(action, binding)
        self.context.results.finish(action, Status.DONE, sid=action.sid)

    def _deletes(self) -> list[Action]:
        """Return the deletions, and the replacements whose new message exists: the old one may go now."""
        return [
            action
            for action in self.actions
            if (action.verb is Verb.DELETE and not action.with_parent)
            or (
                action.verb is Verb.REPLACE and not action.with_parent and action.address in self.creates.done
            )
        ]

    async def _delete(self, action: Action) -> None:
        async with self.context.slots.slot(1):
            if self.context.stopping or action.sid is None:
                return
            if action.verb is Verb.DELETE:
                self.context.results.start(action)
            try:
                await self.context.client.delete_message(*self._where, action.sid, webhooks=action.webhooks)
            except NotFound:
                pass  # deleted by somebody else meanwhile
            except RemoteError as error:
                self.context.results.fail(action, error)
                return
        binding = self.context.state.bindings.get(action.address)
        if binding is not None:
            await self.context.record(gone(action.address, binding, action.sid), done=action)
        sid = binding.sid if binding is not None and action.verb is Verb.REPLACE else action.sid
        self.context.results.finish(action, Status.DONE, sid=sid)


def work_by_conversation(context: Context, plan: Plan) -> dict[Address, ConversationWork]:
    """Return the work in each conversation that has an action on itself or on anything in it."""
    unordered = frozenset(plan.unordered)
    return {
        address: ConversationWork(context, address, inside, unordered=address in unordered)
        for address, inside in context.places.conversations.items()
    }
