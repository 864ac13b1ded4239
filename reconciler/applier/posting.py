"""Post the messages of one conversation: in order, one in flight, each recorded.

A create is preceded by an intent on disk and followed by its binding. The binding of one and the
intent of the next share a flush, so a create costs one. Where the reply is lost, the intent is
settled from the listing before anything else is created here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reconciler.applier.polling import RESENDS
from reconciler.applier.settle_messages import (
    announced_likeness,
    date_digest,
    find_messages,
    message_binding,
)
from reconciler.errors import OutcomeUnknown, PlanError, RemoteError
from reconciler.model import Address, MediaFile, RemoteMessage
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.fingerprint import planned
from reconciler.plans.outcome import Status
from reconciler.refresh.reading import highest_index, tail
from reconciler.resources.match import likeness, pair
from reconciler.resources.schema import managed_part
from reconciler.runtime.concurrency import each
from reconciler.runtime.regular_file import open_regular
from reconciler.state.model import Binding, Bound, Closed, InFlight, Intent, Opened, Record

if TYPE_CHECKING:
    from reconciler.applier.apply import Run


_COLLECTED: Final = 50507
"""Twilio's code for media that is not there: it is collected five minutes after its upload."""


class Lost(Struct, frozen=True):
    """A create without a reply."""

    action: Action
    intent: Intent
    error: RemoteError


class Creates:
    """What one conversation is to get; *unordered* ones may be posted side by side.

    *boundary* is the highest index known, -1 in a conversation that this run made. *claimed* are the
    sids of messages that stand for something; *done* the addresses that got their message.
    """

    def __init__(self, run: Run, actions: Sequence[Action], *, unordered: bool) -> None:
        self.actions = actions
        self.boundary = -1
        self.claimed: set[str] = set()
        self.done: set[Address] = set()
        self._run = run
        self._unordered = unordered
        self._left = len(actions)
        self._where = ("", "")
        self._trouble: RemoteError | None = None
        self._uploaded_again: set[Address] = set()
        self._resent: Counter[Address] = Counter()
        self._boundaries: dict[Address, int] = {}
        self._noted: list[tuple[Record, Callable[[], None]]] = []

    @property
    def way(self) -> int:
        """How many requests must follow one another."""
        return min(self._left, 1) if self._unordered else self._left

    async def read_boundary(self, service_sid: str, sid: str, seen: int) -> None:
        """Look at the tail of an existing conversation: what comes above it can be ours.

        *seen* is the highest index that the plan knew. Raises PlanError if a message above it is what would
        be created: whoever posted it, to post it again would double it.
        """
        try:
            self.boundary = max(self.boundary, await highest_index(self._run.client, service_sid, sid))
            newer = []
            if self.boundary > seen:
                newer = [live async for live in tail(self._run.client, service_sid, sid, seen)]
        except RemoteError as error:
            self._trouble = error
            return
        self.boundary = max(self.boundary, *(live.index for live in newer), -1)
        there = pair(map(planned, self.actions), (live for live in newer if live.sid not in self.claimed))
        for action in self.actions:
            if action.address in there:
                raise PlanError(
                    f"stale plan: what `{action.address}` would create was posted since it was made: "
                    f"{there[action.address].sid}",
                    hint="plan again: `--adopt` takes over what is there, `--duplicate` creates it again",
                )

    def announce(self, service_sid: str, sid: str) -> InFlight:
        """Return what the snapshot says about these creates before any is sent."""
        digest = self._run.state.digest
        known = {
            action.address: announced_likeness(digest, action.send).hidden(action.sensitive, digest)
            for action in self.actions
        }
        return InFlight(
            boundary=self.boundary,
            creates={address: one.match for address, one in known.items()},
            tolerant={address: (one.tolerant, one.author) for address, one in known.items()},
            dates={
                action.address: date for action in self.actions if (date := date_digest(digest, action.send))
            },
            service_sid=service_sid,
            conversation_sid=sid,
            webhooks=any(action.webhooks for action in self.actions),
            opened_at=self._run.client.now(),
            clock_at=self._run.clock(),
        )

    async def post(self, service_sid: str, sid: str) -> None:
        """Post everything; a failure is reported, and stops only what comes after it."""
        self._where = (service_sid, sid)
        if self._trouble is not None and self.actions:
            self._run.results.fail(self.actions[0], self._trouble)
            return
        try:
            for batch in [self.actions] if self._unordered else [[action] for action in self.actions]:
                await self._post(batch)
                if self._run.stopping or not self.done.issuperset(action.address for action in batch):
                    return
        finally:
            await self._flush()

    async def _post(self, batch: Sequence[Action]) -> None:
        """Create side by side, settle together what got no reply, and send again what did not happen."""
        pending = batch
        while pending:
            lost: dict[Address, Lost] = {}
            late: list[Action] = []
            await each(pending, partial(self._create, lost=lost, late=late), at_once=self._run.parallelism)
            unsent = await self._settle(lost) if lost and not self._run.stopping else []
            for one in lost.values():
                self._run.results.fail(one.action, one.error, status=Status.UNKNOWN)
            pending = late + [one.action for one in unsent if self._may_send_again(one)]

    def _may_send_again(self, one: Lost) -> bool:
        """Return whether to send a create again that did not happen; else report its failure."""
        self._resent[one.action.address] += 1
        if self._resent[one.action.address] <= RESENDS:
            return True
        self._run.results.fail(one.action, one.error)
        return False

    async def _create(self, action: Action, lost: dict[Address, Lost], late: list[Action]) -> None:
        async with self._run.turns.turn(self.way):
            if self._run.stopping or not self._run.is_ready(action):
                return
            self._run.results.start(action)
            try:
                fields = await self._fields(action)
            except RemoteError as error:
                self._run.results.fail(action, error)
                return
            except OSError as error:
                self._run.results.refuse(action, f"cannot read `{error.filename}`: {error.strerror}")
                return
            if fields is None:
                self._run.results.refuse(action, "its file has changed since the plan was made; plan again")
                return
            intent = self._intent(action, fields)
            await self._flush(Opened(intent))
            try:
                reply = await self._run.client.create_message(*self._where, fields, webhooks=action.webhooks)
            except OutcomeUnknown as error:
                lost[action.address] = Lost(action, intent, error)
            except RemoteError as error:
                report: Callable[[], None] = partial(self._run.results.fail, action, error)
                if self._may_upload_again(action, error):
                    late.append(action)
                    report = _nothing
                self._noted.append((Closed(action.address), report))
            else:
                self._bind(action, message_binding(self._run.state, intent, reply, replied=True), reply)

    def _may_upload_again(self, action: Action, error: RemoteError) -> bool:
        """Return whether a file was collected before its create came, for the first time."""
        if error.code != _COLLECTED or action.file is None or action.address in self._uploaded_again:
            return False
        self._uploaded_again.add(action.address)
        return True

    async def _settle(self, lost: dict[Address, Lost]) -> list[Lost]:
        """Find out what became of *lost* creates; what stays unknown is left in it.

        Returned are those that certainly did not happen.
        """
        await self._flush()
        run, unsent = self._run, []
        intents = [one.intent for one in lost.values()]
        for found in await find_messages(
            run.client, run.state.digest, intents, self.claimed, run.patience, run.pause
        ):
            if found.unknown:
                continue
            one = lost.pop(found.intent.address)
            if found.live is not None:
                binding = message_binding(run.state, one.intent, found.live, replied=False)
                self._bind(one.action, binding, found.live)
                continue
            report: Callable[[], None] = _nothing
            if found.gone:
                report = partial(run.results.refuse, one.action, f"{self._where[1]} is gone; plan again")
            else:
                unsent.append(one)
            self._noted.append((Closed(one.action.address), report))
        return unsent

    async def _fields(self, action: Action) -> dict[str, str] | None:
        """Return what the request carries, or None if its file is another than was planned.

        A file is uploaded first, as unattached media does not last.
        """
        fields = dict(action.send)
        file = action.file
        if file is not None:
            if await asyncio.to_thread(_sha256, file) != file.sha256:
                return None
            del fields["media"]
            fields["media_sid"] = await self._run.client.upload_media(
                self._where[0], Path(file.path), content_type=file.content_type, filename=file.filename
            )
        return fields

    def _intent(self, action: Action, fields: dict[str, str]) -> Intent:
        digest = self._run.state.digest
        known = likeness(fields, digest)
        return Intent(
            address=action.address,
            service_sid=self._where[0],
            conversation_sid=self._where[1],
            # The first, if it is sent again: what the first attempt made is below the present one.
            boundary=self._boundaries.setdefault(action.address, self.boundary),
            match=known.match,
            tolerant=known.tolerant,
            author=known.author,
            date=date_digest(digest, fields),
            sent={
                name: digest(name, managed_part(name, action.after[name], action.ignored))
                for name in action.managed
            },
            webhooks=action.webhooks,
            opened_at=self._run.client.now(),
            clock_at=self._run.clock(),
            sensitive=action.sensitive,
            ignored=action.ignored,
        )

    def _bind(self, action: Action, binding: Binding, live: RemoteMessage) -> None:
        """Note that *live* is the message of *action*; it is reported once that is on disk."""
        before = self._run.state.bindings.get(action.address)
        if action.reason is Reason.MISSING_REMOTELY and before is not None:  # it is gone already
            left = tuple(sid for sid in binding.superseded if sid != before.sid)
            binding = msgspec.structs.replace(binding, superseded=left)
        self.boundary = max(self.boundary, live.index)
        self.claimed.add(live.sid)
        self.done.add(action.address)
        self._left -= 1

        # Any other replacement is finished once the old message is gone.
        finished = action.verb is Verb.CREATE or action.with_parent

        def report() -> None:
            self._run.results.notice_rewritten(action, binding)
            if finished:
                self._run.results.finish(action, Status.DONE, sid=live.sid)

        self._noted.append((Bound(action.address, binding), report))
        if finished:  # on the same line of the journal, or a saved plan would post it again
            self._run.progress.carried(action)

    async def _flush(self, *records: Record) -> None:
        """Write down *records* and all that was noted before, and report what that ends."""
        noted, self._noted = self._noted, []
        await self._run.record(*(record for record, _ in noted), *records)
        for _, report in noted:
            report()


def _nothing() -> None:
    """Report nothing."""


def _sha256(file: MediaFile) -> str:
    with open_regular(Path(file.path)) as stream:
        return file_digest(stream, "sha256").hexdigest()
