"""Carry out the actions of one conversation: creates in order, one in flight, each recorded.

A create is preceded by an intent on disk and followed by its binding. The binding of one and the
intent of the next share a flush, so a create costs one. Where the reply is lost, the intent is
settled from the listing before anything else is created here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reconciler.apply.settle import message_binding, settle_messages
from reconciler.concurrency import concurrently
from reconciler.errors import NotFound, OutcomeUnknown, RemoteError
from reconciler.model import Address
from reconciler.plan.actions import Action, Reason, Status, Verb
from reconciler.plan.diff import MESSAGE, digests, live_values, managed_part
from reconciler.plan.match import MATCH, match_text
from reconciler.state.model import Binding, Bound, Closed, Intent, Moved, Opened, Record, Unbound

if TYPE_CHECKING:
    from reconciler.apply.run import Run


class Lost(Struct, frozen=True):
    """A create without a reply."""

    action: Action
    intent: Intent
    error: OutcomeUnknown


_SENDS: Final = 20
"""How often one create is sent again after it certainly did not happen."""


class Lane:
    """One conversation while its messages are brought into shape.

    *boundary* is the highest index known, -1 in a conversation that this run made.
    """

    def __init__(self, run: Run, address: Address, actions: Sequence[Action], *, unordered: bool) -> None:
        self.run = run
        self.address = address
        self.actions = actions
        self.unordered = unordered
        self.boundary = -1
        self._service_sid = ""
        self._sid = ""
        self._created: set[Address] = set()
        self._unwritten: list[Record] = []

    @property
    def creates(self) -> list[Action]:
        """The actions that post a message, in the order in which they must arrive."""
        return [action for action in self.actions if action.verb in {Verb.CREATE, Verb.REPLACE}]

    async def read_boundary(self, service_sid: str, sid: str) -> None:
        """Look at the tail of an existing conversation: what comes above it can be ours."""
        async for page in self.run.client.message_pages(service_sid, sid, order="desc", page_size=1):
            self.boundary = max((message.index for message in page), default=-1)
            return

    async def work(self, service_sid: str, sid: str) -> None:
        """Carry everything out; failures are reported, and only a broken journal is raised."""
        self._service_sid, self._sid = service_sid, sid
        await self._record_only()
        updates = [action for action in self.actions if action.verb is Verb.UPDATE]
        await concurrently([self._create_all(), *(self._update(action) for action in updates)])
        await concurrently(self._delete(action) for action in self._deletes())

    async def went_along(self) -> None:
        """Write down the messages that were deleted with their conversation."""
        gone = [action for action in self.actions if action.with_parent]
        await self.run.record(*(Unbound(action.address) for action in gone))
        for action in gone:
            self.run.finish(action, Status.DONE, sid=action.sid)

    async def _record_only(self) -> None:
        """Write down what needs no request: moves, adoptions, what is forgotten."""
        state = self.run.state
        records: list[Record] = []
        for action in self.actions:
            if action.previous_address is not None:
                records.append(Moved(action.previous_address, action.address))
            if action.verb is Verb.ADOPT:
                records.append(Bound(action.address, self._adopted(action)))
            elif action.verb is Verb.FORGET:
                records.append(Unbound(action.address))
            elif (
                action.verb is Verb.REPLACE
                and action.address not in state.bindings
                and not action.previous_address
            ):
                records.append(Bound(action.address, self._adopted(action)))
        await self.run.record(*records)
        for action in self.actions:
            if action.verb in {Verb.MOVE, Verb.ADOPT, Verb.FORGET}:
                self.run.finish(action, Status.DONE, sid=action.sid)

    def _adopted(self, action: Action) -> Binding:
        managed = {name: action.after[name] for name in action.managed}
        sent, observed = digests(MESSAGE, managed, managed, self.run.state.digest, ignored=action.ignored)
        return Binding(
            sid=action.sid or "",
            service_sid=self._service_sid,
            conversation_sid=self._sid,
            index=action.index,
            sent=sent,
            observed=observed,
        )

    async def _create_all(self) -> None:
        """Post what is to be posted; a failure stops only what comes after it."""
        batches = [self.creates] if self.unordered else [[action] for action in self.creates]
        for batch in batches:
            if self.run.stopping:
                break
            await self._create_batch(batch)
            if not self._created.issuperset(action.address for action in batch):
                break
        await self._flush()

    async def _create_batch(self, batch: Iterable[Action]) -> None:
        """Create side by side, settle together what got no reply, and send again what did not happen."""
        pending = {action.address: action for action in batch}
        lost: dict[Address, Lost] = {}
        for _ in range(_SENDS):
            lost = {}
            await concurrently(self._create(action, lost) for action in pending.values())
            if not lost or self.run.stopping:
                break
            pending = {address: pending[address] for address in await self._settle(lost)}
        for one in lost.values():
            self.run.fail(one.action, one.error, status=Status.UNKNOWN)

    async def _create(self, action: Action, lost: dict[Address, Lost]) -> None:
        self.run.start(action)
        try:
            fields = await self._fields(action)
        except RemoteError as error:
            self.run.fail(action, error)
            return
        intent = self._intent(action, fields)
        await self._flush(Opened(intent))
        try:
            reply = await self.run.client.create_message(
                self._service_sid, self._sid, fields, webhooks=action.webhooks
            )
        except OutcomeUnknown as error:
            lost[action.address] = Lost(action, intent, error)
        except RemoteError as error:
            self._note(Closed(action.address))
            self.run.fail(action, error)
        else:
            self._bind(action, message_binding(self.run.state, intent, reply, action.ignored))

    async def _settle(self, lost: dict[Address, Lost]) -> list[Address]:
        """Find out what became of *lost* creates; what stays unknown is left in it.

        Returned are those that certainly did not happen.
        """
        await self._flush()
        try:
            settled = await settle_messages(
                self.run.client, self.run.state, [one.intent for one in lost.values()], self.run.settling
            )
        except RemoteError:
            return []  # nothing could be learned: they stay unknown
        again = []
        for one in settled:
            address = one.intent.address
            if one.unknown:
                continue
            action = lost.pop(address).action
            if one.binding is None:
                self._note(Closed(address))
                again.append(address)
            else:
                self._bind(action, one.binding)
        return again

    async def _fields(self, action: Action) -> dict[str, str]:
        """Return what the request carries; a file is uploaded first, as unattached media does not last."""
        fields = dict(action.send)
        if action.file is not None:
            fields.pop("media", None)
            fields["media_sid"] = await self.run.client.upload_media(
                self._service_sid,
                Path(action.file.path),
                content_type=action.file.content_type,
                filename=action.file.filename,
            )
        return fields

    def _intent(self, action: Action, fields: dict[str, str]) -> Intent:
        digest = self.run.state.digest
        return Intent(
            address=action.address,
            service_sid=self._service_sid,
            conversation_sid=self._sid,
            boundary=self.boundary,
            match=digest(MATCH, match_text(fields)),
            sent={
                name: digest(name, managed_part(name, action.after[name], action.ignored))
                for name in action.managed
            },
            webhooks=action.webhooks,
            opened_at=self.run.now(),
        )

    def _bind(self, action: Action, binding: Binding) -> None:
        if action.reason is Reason.MISSING_REMOTELY:  # what it replaces is gone already
            binding = msgspec.structs.replace(
                binding, superseded=tuple(sid for sid in binding.superseded if sid != self._gone(action))
            )
        self._note(Bound(action.address, binding))
        self.boundary = max(self.boundary, binding.index)
        self._created.add(action.address)
        self.run.notice_rewritten(action, binding)
        if action.verb is Verb.CREATE:  # a replacement is finished once the old message is gone
            self.run.finish(action, Status.DONE, sid=binding.sid)

    def _gone(self, action: Action) -> str | None:
        before = self.run.state.bindings.get(action.address)
        return before.sid if before is not None else None

    async def _update(self, action: Action) -> None:
        if self.run.stopping or action.sid is None:
            return
        self.run.start(action)
        try:
            reply = await self.run.client.update_message(
                self._service_sid, self._sid, action.sid, action.send, webhooks=action.webhooks
            )
        except RemoteError as error:
            self.run.fail(action, error)
            return
        managed = {name: action.after[name] for name in action.managed}
        sent, observed = digests(
            MESSAGE, managed, live_values(reply), self.run.state.digest, ignored=action.ignored
        )
        before = self.run.state.bindings[action.address]
        binding = msgspec.structs.replace(
            before, index=reply.index, sent=sent, observed=observed, imported=False, released=False
        )
        await self.run.record(Bound(action.address, binding))
        self.run.notice_rewritten(action, binding)
        self.run.finish(action, Status.DONE, sid=action.sid)

    def _deletes(self) -> list[Action]:
        """Return what may be deleted now: of replacements only what has its successor."""
        return [
            action
            for action in self.actions
            if (action.verb is Verb.DELETE and not action.with_parent)
            or (action.verb is Verb.REPLACE and action.address in self._created)
        ]

    async def _delete(self, action: Action) -> None:
        if self.run.stopping or action.sid is None:
            return
        if action.verb is Verb.DELETE:
            self.run.start(action)
        try:
            await self.run.client.delete_message(
                self._service_sid, self._sid, action.sid, webhooks=action.webhooks
            )
        except NotFound:
            pass  # somebody was quicker
        except RemoteError as error:
            self.run.fail(action, error)
            return
        binding = self.run.state.bindings.get(action.address)
        if binding is not None and action.sid in binding.superseded:
            left = tuple(sid for sid in binding.superseded if sid != action.sid)
            await self.run.record(Bound(action.address, msgspec.structs.replace(binding, superseded=left)))
        elif binding is not None and binding.sid == action.sid:
            await self.run.record(Unbound(action.address))
        sid = binding.sid if binding is not None and action.verb is Verb.REPLACE else action.sid
        self.run.finish(action, Status.DONE, sid=sid)

    def _note(self, record: Record) -> None:
        """Take a record over at once; it reaches the disk with the next intent, or at the end."""
        self.run.state.apply(record)
        self._unwritten.append(record)

    async def _flush(self, *records: Record) -> None:
        waiting, self._unwritten = self._unwritten, []
        if waiting or records:
            await self.run.journal.commit(*waiting, *records)
        for record in records:
            self.run.state.apply(record)
