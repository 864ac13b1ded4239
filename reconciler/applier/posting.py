"""Create the messages of one conversation: in order, one request in flight, each recorded.

An intent is durable before its create is sent, and the binding is recorded after the reply. In a file, the
binding of one message and the intent of the next are written with one fsync; a store away from this machine
gets the intents of several at once (`windows`). After a create without a reply, its intent is settled from
the listing before anything else is created in the conversation.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.applier.context import Context
from reconciler.applier.polling import RESENDS
from reconciler.applier.settle_messages import announced_likeness, date_digest, find_messages
from reconciler.applier.windows import Windows
from reconciler.errors import OutcomeUnknown, PlanError, RemoteError
from reconciler.model import Address, MediaFile, RemoteMessage
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.fingerprint import planned
from reconciler.plans.outcome import Status
from reconciler.refresh.reading import highest_index, tail
from reconciler.resources.binding import created_message
from reconciler.resources.match import Likeness, likeness, pair
from reconciler.resources.schema import sent_digests
from reconciler.runtime.concurrency import each
from reconciler.runtime.regular_file import open_regular
from reconciler.state.model import Bound, Closed, Opened, Record
from reconciler.state.remembered import Binding, Intent

_MEDIA_EXPIRED: Final = 50507
"""Twilio's code for media that does not exist: it deletes unused media five minutes after the upload."""


class Unanswered(Struct, frozen=True):
    """A create without a reply."""

    action: Action
    intent: Intent
    error: RemoteError


class Creates:
    """The creates of one conversation; *unordered* ones may be posted side by side."""

    def __init__(self, context: Context, actions: Sequence[Action], *, unordered: bool) -> None:
        self.actions = actions
        self.boundary = -1
        """The highest index known; -1 in a conversation that this run created."""
        self.claimed: set[str] = set()
        """The sids of messages that are bound or superseded already, so that no create can have made them."""
        self.done: set[Address] = set()
        """The addresses whose message exists now."""
        self._context = context
        self.unordered = unordered
        self._left = len(actions)
        self._where = ("", "")
        self._failure: RemoteError | None = None
        self._uploaded_again: set[Address] = set()
        self._resent: Counter[Address] = Counter()
        self._boundaries: dict[Address, int] = {}
        self._windows: Windows | None = None
        """What announces the creates; None where each is announced by itself, right before it is sent."""
        self._unsent: set[Address] = set()
        """The addresses of open creates that have certainly not happened."""
        self._unwritten: list[tuple[Record, Callable[[], None]]] = []
        """Records that the next flush writes, and what reports them afterwards."""

    @property
    def priority(self) -> int:
        """Length of the remaining chain of sequential requests; used as priority."""
        return min(self._left, 1) if self.unordered else self._left

    async def read_boundary(self, service_sid: str, sid: str, seen: int) -> None:
        """Read the highest index of an existing conversation: only messages above it can be ours.

        *seen* is the highest index that the plan knew. Raises PlanError if a message above *seen* equals a
        planned create, as posting it again would duplicate it.
        """
        try:
            self.boundary = max(self.boundary, await highest_index(self._context.client, service_sid, sid))
            newer = []
            if self.boundary > seen:
                newer = [live async for live in tail(self._context.client, service_sid, sid, seen)]
        except RemoteError as error:
            self._failure = error
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

    async def post(self, service_sid: str, sid: str) -> None:
        """Post the messages in order. A failure is reported and stops those after it."""
        self._where = (service_sid, sid)
        if self._failure is not None and self.actions:
            self._context.results.fail(self.actions[0], self._failure)
            return
        if self._context.window > 1:
            ready = list(filter(self._context.is_ready, self.actions))
            self._windows = Windows(ready, self._context.window, self._announce)
        try:
            for batch in [self.actions] if self.unordered else [[action] for action in self.actions]:
                await self._post(batch)
                if self._context.stopping or not self.done.issuperset(action.address for action in batch):
                    return
        finally:
            if self._windows is not None:
                await self._windows.finish()
            await self._flush(*map(Closed, sorted(self._unsent)))

    async def _announce(self, actions: Sequence[Action]) -> None:
        """Write the intents of a window, with what is unwritten of the windows before."""
        intents = []
        for action in actions:
            send = self._context.completed(action).send
            known = announced_likeness(self._context.digest, send)
            intents.append(self._intent(action, send, known, self.boundary, in_order=not self.unordered))
            self._unsent.add(action.address)
        await self._flush(*map(Opened, intents))

    async def _post(self, batch: Sequence[Action]) -> None:
        """Create a batch side by side, settle what had no reply, and send again what did not happen."""
        pending = batch
        while pending:
            unanswered: dict[Address, Unanswered] = {}
            expired: list[Action] = []
            await each(
                pending,
                partial(self._create, unanswered=unanswered, expired=expired),
                at_once=self._context.parallelism,
            )
            unsent = await self._settle(unanswered) if unanswered and not self._context.stopping else []
            for one in unanswered.values():
                self._context.results.fail(one.action, one.error, status=Status.UNKNOWN)
            pending = expired + [one.action for one in unsent if self._may_send_again(one)]

    def _may_send_again(self, one: Unanswered) -> bool:
        """Return whether to send a create again that did not happen; if not, report its failure."""
        self._resent[one.action.address] += 1
        if self._resent[one.action.address] <= RESENDS:
            return True
        self._context.results.fail(one.action, one.error)
        return False

    async def _create(
        self, action: Action, unanswered: dict[Address, Unanswered], expired: list[Action]
    ) -> None:
        """Create one message, or add it to those *unanswered* or refused because its media had *expired*."""
        async with self._context.slots.slot(self.priority):
            if self._context.stopping or not self._context.is_ready(action):
                return
            if self._windows is not None:
                await self._windows.reach(action)
            self._context.results.start(action)
            fields = await self._fields(action)
            if fields is None:
                return
            # For a repeated create, the boundary of the first attempt: that one may have made a message.
            boundary = self._boundaries.setdefault(action.address, self.boundary)
            known = likeness(fields, self._context.digest)
            intent = self._intent(action, fields, known, boundary)
            if self._windows is None:
                await self._flush(Opened(intent))
            self._unsent.discard(action.address)
            try:
                reply = await self._context.client.create_message(
                    *self._where, fields, webhooks=action.webhooks
                )
            except OutcomeUnknown as error:
                unanswered[action.address] = Unanswered(action, intent, error)
            except RemoteError as error:
                report = partial(self._context.results.fail, action, error)
                if self._may_upload_again(action, error):
                    expired.append(action)
                    self._unsent.add(action.address)
                    return
                self._unwritten.append((Closed(action.address), report))
            else:
                self._bind(action, created_message(self._context.state, intent, reply, replied=True), reply)

    def _may_upload_again(self, action: Action, error: RemoteError) -> bool:
        """Return whether a create was refused with 50507, as its media had expired, for the first time."""
        if error.code != _MEDIA_EXPIRED or action.file is None or action.address in self._uploaded_again:
            return False
        self._uploaded_again.add(action.address)
        return True

    async def _settle(self, unanswered: dict[Address, Unanswered]) -> list[Unanswered]:
        """Settle the *unanswered* creates: take out those whose outcome is known now.

        Return those that certainly did not happen.
        """
        await self._flush()
        context, unsent = self._context, []
        intents = [one.intent for one in unanswered.values()]
        for found in await find_messages(
            context.client, context.digest, intents, self.claimed, context.settle_window, context.pause
        ):
            if found.unknown:
                continue
            one = unanswered.pop(found.intent.address)
            if found.live is not None:
                binding = created_message(context.state, one.intent, found.live, replied=False)
                self._bind(one.action, binding, found.live)
                continue
            if found.gone:
                report = partial(context.results.refuse, one.action, f"{self._where[1]} is gone; plan again")
                self._unwritten.append((Closed(one.action.address), report))
                continue
            self._unsent.add(one.action.address)
            unsent.append(one)
        return unsent

    async def _fields(self, action: Action) -> dict[str, str] | None:
        """Return the fields of the request, or None, which is reported, if its file cannot be uploaded.

        A file is uploaded just before, as Twilio deletes unused media after five minutes.
        """
        fields, results = dict(self._context.completed(action).send), self._context.results
        file = action.file
        if file is None:
            return fields
        try:
            if await asyncio.to_thread(_sha256, file) != file.sha256:
                results.refuse(action, "its file has changed since the plan was made; plan again")
                return None
            del fields["media"]
            fields["media_sid"] = await self._context.client.upload_media(
                self._where[0], Path(file.path), content_type=file.content_type, filename=file.filename
            )
        except RemoteError as error:
            results.fail(action, error)
            return None
        except OSError as error:
            results.refuse(action, f"cannot read `{error.filename}`: {error.strerror}")
            return None
        return fields

    def _intent(
        self,
        action: Action,
        fields: dict[str, str],
        known: Likeness,
        boundary: int,
        *,
        in_order: bool = False,
    ) -> Intent:
        """Return the intent of a create that sends *fields*; its message is *known* by these digests."""
        digest = self._context.digest
        after = self._context.completed(action).after
        return Intent(
            address=action.address,
            service_sid=self._where[0],
            conversation_sid=self._where[1],
            boundary=boundary,
            match=known.match,
            tolerant=known.tolerant,
            author=known.author,
            date=date_digest(digest, fields),
            sent=sent_digests({name: after[name] for name in action.managed}, digest, ignored=action.ignored),
            webhooks=action.webhooks,
            opened_at=self._context.client.now(),
            clock_at=self._context.clock(),
            sensitive=action.sensitive,
            ignored=action.ignored,
            in_order=in_order,
        )

    def _bind(self, action: Action, binding: Binding, live: RemoteMessage) -> None:
        """Bind the message *live* to the address of *action*; reported once the binding is on disk."""
        before = self._context.state.bindings.get(action.address)
        if action.reason is Reason.MISSING_REMOTELY and before is not None:  # the old message does not exist
            left = tuple(sid for sid in binding.superseded if sid != before.sid)
            binding = msgspec.structs.replace(binding, superseded=left)
        self.boundary = max(self.boundary, live.index)
        self.claimed.add(live.sid)
        self.done.add(action.address)
        self._left -= 1

        # Any other replacement is finished when the old message has been deleted.
        finished = action.verb is Verb.CREATE or action.with_parent

        def report() -> None:
            self._context.results.notice_rewritten(action, binding)
            if finished:
                self._context.results.finish(action, Status.DONE, sid=live.sid)
            else:
                self._context.results.halfway(action, sid=live.sid)

        self._unwritten.append((Bound(action.address, binding), report))
        if finished:  # written with the binding, or a saved plan that goes on would post it again
            self._context.progress.carried(action)

    async def _flush(self, *records: Record) -> None:
        """Write *records* and the unwritten ones to disk, and report the actions that this ends."""
        written, self._unwritten = self._unwritten, []
        await self._context.record(*(record for record, _ in written), *records)
        for _, report in written:
            report()


def _sha256(file: MediaFile) -> str:
    with open_regular(Path(file.path)) as stream:
        return file_digest(stream, "sha256").hexdigest()
