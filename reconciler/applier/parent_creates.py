"""Create services and conversations, each once, and know which of them are ours.

After a create without a reply, a service is recognised as the one of its name that did not exist before. A
conversation is recognised by its unique name, which makes it safe to send its create again. A conversation
that exists already is ours only if a create of ours had no reply.
"""

from __future__ import annotations

import msgspec

from reconciler.applier.context import Context
from reconciler.applier.final_state import managed_first, sent_first
from reconciler.applier.parents import with_digests
from reconciler.applier.polling import RESENDS, Answer, poll
from reconciler.applier.settle_parents import is_ours, settle_parent
from reconciler.errors import Conflict, NotFound, OutcomeUnknown, RemoteError
from reconciler.model import RemoteConversation, parent_of
from reconciler.plans.actions import Action
from reconciler.plans.outcome import Status
from reconciler.plans.plan import PlanWarning
from reconciler.refresh.reading import highest_index
from reconciler.resources.binding import created_or_found, existing
from reconciler.resources.conversation import CONVERSATION, live_conversation_values
from reconciler.resources.participant import live_participant_values
from reconciler.resources.schema import sent_digests
from reconciler.state.model import Bound, Closed, Opened
from reconciler.state.remembered import Binding, Intent, hard_intent


async def services_by_name(context: Context) -> dict[str, tuple[str, ...]]:
    """Return the sids of all services, by friendly name: a service with another sid is new."""
    known: dict[str, tuple[str, ...]] = {}
    async for page in context.client.service_pages():
        for service in page:
            name = service.friendly_name or ""
            known[name] = (*known.get(name, ()), service.sid)
    return known


def service_intent(context: Context, action: Action, known: dict[str, tuple[str, ...]]) -> Intent:
    """Return the intent of the create of a service; *known* are the sids of those that exist, by name."""
    name = action.send["friendly_name"]
    return _intent(context, action, name, known.get(name, ()))


def conversation_intent(context: Context, action: Action) -> Intent:
    """Return the intent of the create of a conversation, without the sid of its service."""
    action = context.completed(action)
    replaced = () if action.sid is None else (action.sid,)
    intent = _intent(context, action, action.send["unique_name"], replaced)
    if not action.sensitive:
        return intent
    return hard_intent(msgspec.structs.replace(intent, sensitive=action.sensitive), context.digest)


def _intent(context: Context, action: Action, name: str, known: tuple[str, ...]) -> Intent:
    return Intent(
        action.address,
        sent=sent_digests({name: action.after[name] for name in managed_first(action)}, context.digest),
        name=name,
        known=known,
        opened_at=context.client.now(),
        clock_at=context.clock(),
        anchor=action.anchor,
    )


async def create_service(context: Context, action: Action, intent: Intent) -> None:
    """Create a service, as *intent* announced it."""
    await _Creation(context, action, intent, 1).carry_out()


async def create_conversation(context: Context, action: Action, intent: Intent, *, priority: int) -> None:
    """Create a conversation, as *intent* announced it, if its service and those it refers to exist.

    *priority* is the length of the chain of sequential requests that begins with this one.
    """
    address = parent_of(action.address)
    service = context.state.bindings.get(address)
    if service is not None and context.is_done(address) and context.is_ready(action):
        intent = msgspec.structs.replace(intent, service_sid=service.sid)
        await _Creation(context, action, intent, priority).carry_out()


class _Creation:
    """The create of one service or conversation, with its repeated attempts.

    *intent* names the service of a conversation. *priority* is that of its requests.
    """

    def __init__(self, context: Context, action: Action, intent: Intent, priority: int) -> None:
        self.context = context
        self.action = action
        self.intent = msgspec.structs.replace(
            intent, opened_at=context.client.now(), clock_at=context.clock()
        )
        self.is_service = not intent.service_sid
        self.priority = priority
        self.full = context.completed(action)
        self.unanswered = False
        """Whether an attempt had no reply."""

    async def carry_out(self) -> None:
        """Send the create, again while it certainly did not happen, and report what became of it."""
        for _ in range(1 + RESENDS):
            if self.context.stopping:
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
        await self.context.record(Closed(self.action.address))
        self.context.results.fail(self.action, failure)

    async def _send(self) -> None:
        """Send one create and bind what the reply shows; raises RemoteError."""
        context, action, intent = self.context, self.action, self.intent
        async with context.slots.slot(self.priority):
            context.results.start(action)
            await context.record(Opened(intent))
            try:
                if self.is_service:
                    service = await context.client.create_service(action.send["friendly_name"])
                    binding = created_or_found(intent, service.sid, created=True)
                else:
                    live = await context.client.create_conversation(intent.service_sid, sent_first(self.full))
                    binding = self._of_live(live, ours=True)
            except OutcomeUnknown:
                self.unanswered = True
                raise
        await self._bind(binding)

    async def _settle(self, error: OutcomeUnknown) -> bool:
        """Look for what a create without a reply may have made; return whether the action has ended."""
        context = self.context
        settled = await settle_parent(context.client, self.intent, context.settle_window, context.pause)
        if settled.unknown:
            context.results.fail(self.action, error, status=Status.UNKNOWN)
        elif settled.binding is None:
            return False
        elif self.is_service:
            await self._bind(settled.binding)
        else:
            await self._take(settled.binding.sid, error)
        return True

    async def _contend(self, error: RemoteError) -> None:
        """Find the conversation that has the unique name; create again while a read shows none.

        A conversation that this run deletes keeps its name until then, and perhaps for some time after.
        """
        context, intent = self.context, self.intent
        holder = deleted = ""

        async def look() -> bool:
            nonlocal holder, deleted
            holder = deleted = ""
            try:
                sid = (await context.client.fetch_conversation(intent.service_sid, intent.name)).sid
            except NotFound:
                pass
            else:
                if sid not in context.deleted:
                    holder = sid
                    return True
                deleted = sid
            try:
                await self._send()
            except Conflict:
                return False
            return True

        answer = await poll(look, context.settle_window, context.pause)
        if holder:
            await self._take(holder, error)
        elif answer is Answer.FOUND:
            return
        elif self.unanswered:
            context.results.fail(self.action, error, status=Status.UNKNOWN)
        else:
            await self._give_up(error, deleted)

    async def _give_up(self, error: RemoteError, deleted: str) -> None:
        """Report that the unique name is taken; *deleted* is the sid that a read shows for it, or empty."""
        context = self.context
        await context.record(Closed(self.action.address))
        if deleted:
            context.results.refuse(
                self.action,
                f"its unique name still leads to {deleted}, which this run deletes; apply again",
            )
        elif "/" in self.intent.name:
            context.results.refuse(
                self.action,
                "its unique name is taken, but a name with `/` is not found by a read; write the `sid: CH…` "
                "of the conversation that has it in the manifest",
            )
        else:
            context.results.fail(self.action, error)

    async def _take(self, sid: str, error: RemoteError) -> None:
        """Bind the conversation *sid* that has the unique name, unless others use it already.

        It is ours only if a create of ours had no reply and it is not older than that. If it is not ours, its
        fields are changed to the declared ones.
        """
        context, action = self.context, self.action
        where = (self.intent.service_sid, sid)
        before = context.state.bindings.get(action.address)
        if before is not None and before.sid == sid:
            await context.record(Closed(action.address))
            context.results.refuse(
                action, f"{sid} is there after all, although no read showed it; plan again"
            )
            return
        live: RemoteConversation | None = None
        ours = used = False

        async def look() -> bool:
            nonlocal live, ours, used
            live = await context.client.fetch_conversation(*where)
            ours = self.unanswered and is_ours(live.date_created, self.intent)
            used = await highest_index(context.client, *where) >= 0 or (
                not ours and await self._reaches_outside(where)
            )
            return True

        answer = await poll(look, context.settle_window, context.pause)
        if answer is not Answer.FOUND or live is None:
            context.results.fail(action, error, status=Status.UNKNOWN if self.unanswered else Status.FAILED)
            return
        if used:
            await context.record(Closed(action.address))
            context.results.refuse(action, f"{sid} took its unique name since the plan was made; plan again")
            return
        if not ours:
            shown = {**CONVERSATION.defaults, **live_conversation_values(live)}
            fields = {name: text for name, text in sent_first(self.full).items() if shown.get(name) != text}
            try:
                async with context.slots.slot(1):
                    live = await context.client.update_conversation(*where, fields) if fields else live
            except RemoteError as refusal:
                await context.record(Bound(action.address, existing(sid, service_sid=where[0])))
                context.results.fail(action, refusal)
                return
            context.results.warnings.append(
                PlanWarning(
                    "found_meanwhile",
                    action.address,
                    f"{sid} was made by somebody else since the plan was made: it is bound as found, "
                    "and never deleted",
                )
            )
        await self._bind(self._of_live(live, ours=ours))

    async def _reaches_outside(self, where: tuple[str, str]) -> bool:
        """Return whether a participant outside the chat, unknown to the plan, would receive the messages."""
        return any(
            [
                "address" in live_participant_values(live)
                async for page in self.context.client.participant_pages(*where)
                for live in page
            ]
        )

    def _of_live(self, live: RemoteConversation, *, ours: bool) -> Binding:
        binding = created_or_found(self.intent, live.sid, created=ours)
        return with_digests(self.context, self.action, live, binding, managed_first(self.action))

    async def _bind(self, binding: Binding) -> None:
        action = self.action
        binding = msgspec.structs.replace(binding, sensitive=action.sensitive, anchor=action.anchor)
        await self.context.record(Bound(action.address, binding), done=action)
        self.context.results.finish(action, Status.DONE, sid=binding.sid)
