"""Create services and conversations, each once, and know which of them are ours.

A service is recognised by not having been there before. A conversation is recognised by its unique name,
which makes it safe to send its create again; it is ours only if a create of ours had no reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reconciler.applier.parents import managed_first, sent_first, with_digests
from reconciler.applier.polling import RESENDS, Answer, poll
from reconciler.applier.settle_parents import is_ours, settle_parent
from reconciler.errors import Conflict, NotFound, OutcomeUnknown, RemoteError
from reconciler.model import RemoteConversation, ResourceType, parent_of
from reconciler.plans.actions import Action
from reconciler.plans.outcome import Status
from reconciler.plans.plan import PlanWarning
from reconciler.refresh.reading import highest_index
from reconciler.resources.conversation import CONVERSATION, live_conversation_values
from reconciler.resources.participant import live_participant_values
from reconciler.state.model import Binding, Bound, Closed, Intent, Opened, hard_intent

if TYPE_CHECKING:
    from reconciler.applier.apply import Run


async def services_by_name(run: Run) -> dict[str, tuple[str, ...]]:
    """Return the sids of all services, by name: a service is recognised by not having been there."""
    known: dict[str, tuple[str, ...]] = {}
    async for page in run.client.service_pages():
        for service in page:
            name = service.friendly_name or ""
            known[name] = (*known.get(name, ()), service.sid)
    return known


def parent_intent(run: Run, action: Action, known: dict[str, tuple[str, ...]]) -> Intent:
    """Return what lets a create be recognised: its name, and which services of that name are *known*."""
    is_service = action.type is ResourceType.SERVICE
    name = action.send["friendly_name" if is_service else "unique_name"]
    intent = Intent(
        action.address,
        sent={name: run.state.digest(name, action.after[name]) for name in managed_first(action)},
        name=name,
        known=known.get(name, ()) if is_service else (() if action.sid is None else (action.sid,)),
        opened_at=run.client.now(),
        clock_at=run.clock(),
        sensitive=() if is_service else action.sensitive,
        anchor=action.anchor,
    )
    return hard_intent(intent, run.state.digest) if intent.sensitive else intent


async def create_parent(run: Run, action: Action, intent: Intent, *, way: int) -> None:
    """Create a service or conversation; *way* is how many requests wait for it."""
    if action.type is ResourceType.CONVERSATION:
        service = run.state.bindings.get(parent_of(action.address))
        if service is None or not run.is_done(parent_of(action.address)) or not run.is_ready(action):
            return
        intent = msgspec.structs.replace(intent, service_sid=service.sid)
    intent = msgspec.structs.replace(intent, opened_at=run.client.now(), clock_at=run.clock())
    await _Creation(run, action, intent, way).carry_out()


class _Creation:
    """One service or conversation in the making; *unanswered* says that a create of it had no reply."""

    def __init__(self, run: Run, action: Action, intent: Intent, way: int) -> None:
        self.run = run
        self.action = action
        self.intent = intent
        self.way = way
        self.unanswered = False

    async def carry_out(self) -> None:
        """Send the create until it is known what came of it, and report that."""
        for _ in range(1 + RESENDS):
            if self.run.stopping:
                return
            try:
                await self._send()
            except OutcomeUnknown as error:
                if await self._settle(error):
                    return
                failure: RemoteError = error
            except Conflict as error:
                await self._contend(error)
                return
            except RemoteError as error:
                failure = error
                break
            else:
                return
        await self.run.record(Closed(self.action.address))
        self.run.results.fail(self.action, failure)

    async def _send(self) -> None:
        """Create it and bind it; raises RemoteError."""
        run, action, intent = self.run, self.action, self.intent
        async with run.turns.turn(self.way):
            run.results.start(action)
            await run.record(Opened(intent))
            try:
                if action.type is ResourceType.SERVICE:
                    service = await run.client.create_service(action.send["friendly_name"])
                    binding = Binding(sid=service.sid, sent=intent.sent, created=True)
                else:
                    live = await run.client.create_conversation(intent.service_sid, sent_first(action))
                    binding = self._of_live(live, ours=True)
            except OutcomeUnknown:
                self.unanswered = True
                raise
        await self._bind(binding)

    async def _settle(self, error: OutcomeUnknown) -> bool:
        """Look for what a create without a reply may have made; return whether that ended the action."""
        run = self.run
        settled = await settle_parent(run.client, self.intent, run.patience, run.pause)
        if settled.unknown:
            run.results.fail(self.action, error, status=Status.UNKNOWN)
        elif settled.binding is None:
            return False
        elif self.action.type is ResourceType.SERVICE:
            await self._bind(settled.binding)
        else:
            await self._take(settled.binding.sid, error)
        return True

    async def _contend(self, error: RemoteError) -> None:
        """Find out who has the unique name; try again while nobody has it whom a read shows.

        A conversation that this run deletes holds its name until then, and maybe for a while longer.
        """
        run, intent = self.run, self.intent
        holder = deleted = ""

        async def look() -> bool:
            nonlocal holder, deleted
            holder = deleted = ""
            try:
                sid = (await run.client.fetch_conversation(intent.service_sid, intent.name)).sid
            except NotFound:
                pass
            else:
                if sid not in run.deleted:
                    holder = sid
                    return True
                deleted = sid
            try:
                await self._send()
            except Conflict:
                return False
            return True

        answer = await poll(look, run.patience, run.pause)
        if holder:
            await self._take(holder, error)
        elif answer is Answer.FOUND:
            return
        elif self.unanswered:
            run.results.fail(self.action, error, status=Status.UNKNOWN)
        else:
            await self._give_up(error, deleted)

    async def _give_up(self, error: RemoteError, deleted: str) -> None:
        """Report that the unique name is taken, and by the conversation *deleted* as far as a read tells."""
        run = self.run
        await run.record(Closed(self.action.address))
        if deleted:
            run.results.refuse(
                self.action,
                f"its unique name still leads to {deleted}, which this run deletes; apply again",
            )
        elif "/" in self.intent.name:
            run.results.refuse(
                self.action,
                "its unique name is taken, but a name with `/` is not found by a read; write the `sid: CH…` "
                "of the conversation that has it in the manifest",
            )
        else:
            run.results.fail(self.action, error)

    async def _take(self, sid: str, error: RemoteError) -> None:
        """Bind the conversation *sid* that has the unique name, unless others use it already.

        It is ours only if a create of ours had no reply and it is not older than that. In one that is not,
        what the manifest declares is set.
        """
        run, action = self.run, self.action
        where = (self.intent.service_sid, sid)
        before = run.state.bindings.get(action.address)
        if before is not None and before.sid == sid:
            await run.record(Closed(action.address))
            run.results.refuse(action, f"{sid} is there after all, although no read showed it; plan again")
            return
        live: RemoteConversation | None = None
        ours = used = False

        async def look() -> bool:
            nonlocal live, ours, used
            live = await run.client.fetch_conversation(*where)
            ours = self.unanswered and is_ours(live.date_created, self.intent)
            used = await highest_index(run.client, *where) >= 0 or (
                not ours and await self._reaches_outside(where)
            )
            return True

        answer = await poll(look, run.patience, run.pause)
        if answer is not Answer.FOUND or live is None:
            run.results.fail(action, error, status=Status.UNKNOWN if self.unanswered else Status.FAILED)
            return
        if used:
            await run.record(Closed(action.address))
            run.results.refuse(action, f"{sid} took its unique name since the plan was made; plan again")
            return
        if not ours:
            shown = {**CONVERSATION.defaults, **live_conversation_values(live)}
            fields = {name: text for name, text in sent_first(action).items() if shown.get(name) != text}
            try:
                async with run.turns.turn(1):
                    live = await run.client.update_conversation(*where, fields) if fields else live
            except RemoteError as refusal:
                await run.record(Bound(action.address, Binding(sid, where[0], imported=True)))
                run.results.fail(action, refusal)
                return
            run.results.warnings.append(
                PlanWarning(
                    "found_meanwhile",
                    action.address,
                    f"{sid} was made by somebody else since the plan was made: it is bound as found, "
                    "and never deleted",
                )
            )
        await self._bind(self._of_live(live, ours=ours))

    async def _reaches_outside(self, where: tuple[str, str]) -> bool:
        """Return whether somebody outside the chat, of whom the plan knew nothing, would get the messages."""
        return any(
            [
                "address" in live_participant_values(live)
                async for page in self.run.client.participant_pages(*where)
                for live in page
            ]
        )

    def _of_live(self, live: RemoteConversation, *, ours: bool) -> Binding:
        binding = Binding(sid=live.sid, service_sid=self.intent.service_sid, created=ours)
        return with_digests(self.run, self.action, live, binding, managed_first(self.action))

    async def _bind(self, binding: Binding) -> None:
        action = self.action
        binding = msgspec.structs.replace(binding, sensitive=action.sensitive, anchor=action.anchor)
        await self.run.record(Bound(action.address, binding), done=action)
        self.run.results.finish(action, Status.DONE, sid=binding.sid)
