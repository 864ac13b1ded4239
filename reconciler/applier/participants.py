"""Carry out the actions on the participants of one conversation.

No intent is needed: a participant's identity, or its pair of addresses, can be in a conversation
only once, so a create whose reply was lost is looked up by it, or sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from reconciler.concurrency import concurrently
from reconciler.errors import NotFound, OutcomeUnknown, Refused, RemoteError
from reconciler.model import RemoteParticipant
from reconciler.planner.actions import Action, Status, Verb
from reconciler.planner.diff import PARTICIPANT, digests
from reconciler.planner.people import live_participant_values, natural_key
from reconciler.state.model import Binding, Bound, Unbound

if TYPE_CHECKING:
    from reconciler.applier.run import Run

_SENDS: Final = 20
_THERE_ALREADY: Final = frozenset({50416, 50433})
"""Twilio's codes for a pair of addresses, and an identity, that is in the conversation already."""


async def bring_in(run: Run, actions: Iterable[Action], service_sid: str, sid: str) -> None:
    """Create, update and replace participants; they do not depend on each other."""
    await concurrently(
        _bring_in(run, action, service_sid, sid) for action in actions if action.verb is not Verb.DELETE
    )


async def take_out(run: Run, actions: Iterable[Action], service_sid: str, sid: str) -> None:
    """Remove participants; their messages stay."""

    async def remove(action: Action) -> None:
        if action.with_parent or run.stopping or action.sid is None:
            return
        if await _removed(run, action, service_sid, sid):
            await run.record(Unbound(action.address))
            run.results.finish(action, Status.DONE, sid=action.sid)

    await concurrently(remove(action) for action in actions if action.verb is Verb.DELETE)


async def _bring_in(run: Run, action: Action, service_sid: str, sid: str) -> None:
    if run.stopping:
        return
    run.results.start(action)
    where = (service_sid, sid)
    try:
        if action.verb is Verb.UPDATE and action.sid is not None:
            async with run.turns.turn(1):
                live = await run.client.update_participant(*where, action.sid, action.send)
            created = run.state.bindings[action.address].created
        else:
            live, created = await _created(run, action, where)
    except RemoteError as error:
        run.results.fail(
            action, error, Status.UNKNOWN if isinstance(error, OutcomeUnknown) else Status.FAILED
        )
        return
    managed = {name: action.after[name] for name in action.managed}
    sent, observed = digests(PARTICIPANT, managed, live_participant_values(live), run.state.digest)
    binding = Binding(
        sid=live.sid,
        service_sid=service_sid,
        conversation_sid=sid,
        sent=sent,
        observed=observed,
        created=created,
    )
    await run.record(Bound(action.address, binding))
    if action.verb is Verb.REPLACE and not await _removed(run, action, service_sid, sid):
        return
    run.results.finish(action, Status.DONE, sid=live.sid)


async def _created(run: Run, action: Action, where: tuple[str, str]) -> tuple[RemoteParticipant, bool]:
    """Return the participant, and whether this run made it."""
    sent_before = False
    for _ in range(_SENDS):
        try:
            async with run.turns.turn(1):
                return await run.client.create_participant(*where, action.send), True
        except (OutcomeUnknown, Refused) as error:
            if isinstance(error, Refused) and error.code not in _THERE_ALREADY:
                raise
            sent_before = sent_before or isinstance(error, OutcomeUnknown)
            live = await _find(run, action, where)
            if live is not None:
                return live, sent_before
            if isinstance(error, Refused) or run.stopping:
                raise
    raise OutcomeUnknown(
        f"the participant never showed, though it was sent {_SENDS} times", where=action.address
    )


async def _find(run: Run, action: Action, where: tuple[str, str]) -> RemoteParticipant | None:
    wanted = natural_key(action.send)
    async for page in run.client.participant_pages(*where):
        for live in page:
            if natural_key(live_participant_values(live)) == wanted:
                return live
    return None


async def _removed(run: Run, action: Action, service_sid: str, sid: str) -> bool:
    try:
        async with run.turns.turn(1):
            await run.client.delete_participant(service_sid, sid, action.sid or "")
    except NotFound:
        return True  # somebody was quicker
    except RemoteError as error:
        run.results.fail(action, error)
        return False
    return True
