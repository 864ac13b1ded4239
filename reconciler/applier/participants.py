"""Carry out the actions on the participants of one conversation.

A participant's identity, or its pair of addresses, can be in a conversation only once, so a create whose
reply was lost is looked up by it, or sent again. Its intent tells a later run that whom it finds is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from reconciler.applier.polling import RESENDS, Answer, poll
from reconciler.applier.settle_parents import find_participant, is_ours, person_digest
from reconciler.errors import NotFound, OutcomeUnknown, Refused, RemoteError
from reconciler.model import Address, RemoteParticipant
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.outcome import Status
from reconciler.resources.participant import PARTICIPANT, live_participant_values, natural_key
from reconciler.resources.schema import digests
from reconciler.runtime.concurrency import concurrently
from reconciler.state.model import Binding, Bound, Closed, Intent, Opened, gone

if TYPE_CHECKING:
    from reconciler.applier.apply import Run

_THERE_ALREADY: Final = frozenset({50416, 50433})
"""Twilio's codes for a pair of addresses, and an identity, that is in the conversation already."""


async def bring_in(run: Run, actions: Iterable[Action], service_sid: str, sid: str) -> None:
    """Create, update and replace participants, and remove superseded ones: none depends on another."""
    where = (service_sid, sid)
    await concurrently(
        _remove(run, action, where) if action.verb is Verb.DELETE else _bring_in(run, action, where)
        for action in actions
        if not _is_last(action)
    )


async def take_out(run: Run, actions: Iterable[Action], service_sid: str, sid: str) -> None:
    """Remove participants; their messages stay."""
    await concurrently(_remove(run, action, (service_sid, sid)) for action in actions if _is_last(action))


def _is_last(action: Action) -> bool:
    """Return whether whoever is removed may still be sent what is new: not if another took their place."""
    return action.verb is Verb.DELETE and action.reason is not Reason.SUPERSEDED


async def _remove(run: Run, action: Action, where: tuple[str, str]) -> None:
    if action.with_parent or run.stopping or action.sid is None:
        return
    if await _removed(run, action, where):
        await _forget(run, action)
        run.results.finish(action, Status.DONE, sid=action.sid)


async def _bring_in(run: Run, action: Action, where: tuple[str, str]) -> None:
    if run.stopping:
        return
    run.results.start(action)
    # Nobody can be in a conversation twice, so who stays the same person goes before coming again.
    replaced = action.verb is Verb.REPLACE and not action.with_parent
    goes_first = replaced and natural_key(action.before) == natural_key(action.send)
    if goes_first and not await _removed(run, action, where):
        return
    try:
        if action.verb is Verb.UPDATE and action.sid is not None:
            live = await _updated(run, where, action.sid, action.send)
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
    before = run.state.bindings.get(action.address)  # only now: superseded ones went meanwhile
    superseded = before.superseded if before is not None else ()
    if replaced and not goes_first and action.sid is not None:
        superseded = (*superseded, action.sid)
    binding = Binding(
        sid=live.sid,
        service_sid=where[0],
        conversation_sid=where[1],
        sent=sent,
        observed=observed,
        superseded=superseded,
        created=created,
    )
    goes_last = replaced and not goes_first
    await run.record(Bound(action.address, binding), done=None if goes_last else action)
    if goes_last:
        if not await _removed(run, action, where):
            return
        await _forget(run, action)
    run.results.finish(action, Status.DONE, sid=live.sid)


async def _updated(
    run: Run, where: tuple[str, str], sid: str, fields: Mapping[str, str]
) -> RemoteParticipant:
    async with run.turns.turn(1):
        return await run.client.update_participant(*where, sid, fields)


async def _forget(run: Run, action: Action) -> None:
    """Record that whom *action* removed is gone."""
    binding = run.state.bindings.get(action.address)
    if binding is not None and action.sid is not None:
        await run.record(gone(action.address, binding, action.sid), done=action)


async def _created(run: Run, action: Action, where: tuple[str, str]) -> tuple[RemoteParticipant, bool]:
    """Return the participant, and whether this run made it."""
    intent = _intent(run, action, where)
    unanswered = False
    sends = 0
    while True:
        sends += 1
        await run.record(Opened(intent))
        try:
            async with run.turns.turn(1):
                return await run.client.create_participant(*where, action.send), True
        except OutcomeUnknown:
            unanswered = True
            live = await _found(run, intent, patient=sends > RESENDS)
            if live is None and (run.stopping or sends > RESENDS):
                raise
        except RemoteError as error:
            is_there = isinstance(error, Refused) and error.code in _THERE_ALREADY
            live = await _found(run, intent, patient=True) if is_there else None
            if live is None:
                if not unanswered:
                    await run.record(Closed(action.address))
                raise
        if live is not None:
            ours = unanswered and is_ours(live.date_created, intent)
            return await _as_wanted(run, action, where, live), ours


async def _found(run: Run, intent: Intent, *, patient: bool) -> RemoteParticipant | None:
    """Return who has the natural key of *intent*, looked for once, or all through the settle window."""
    live: RemoteParticipant | None = None

    async def look() -> bool:
        nonlocal live
        live = await find_participant(run.client, run.state.digest, intent)
        return live is not None

    answer = await poll(look, run.patience if patient else lambda _: 0, run.pause)
    return live if answer is Answer.FOUND else None


async def _as_wanted(
    run: Run, action: Action, where: tuple[str, str], live: RemoteParticipant
) -> RemoteParticipant:
    """Return who was found, changed to what was to be created: somebody else may have brought them in."""
    shown = {**PARTICIPANT.defaults, **live_participant_values(live)}
    differs = {
        name: text
        for name, text in action.send.items()
        if name not in PARTICIPANT.immutable and shown.get(name) != text
    }
    return await _updated(run, where, live.sid, differs) if differs else live


def _intent(run: Run, action: Action, where: tuple[str, str]) -> Intent:
    digest = run.state.digest
    return Intent(
        action.address,
        service_sid=where[0],
        conversation_sid=where[1],
        match=person_digest(digest, action.send),
        sent={name: digest(name, action.after[name]) for name in action.managed},
        opened_at=run.client.now(),
        clock_at=run.clock(),
    )


def announced_people(run: Run, conversation: Address) -> dict[Address, str]:
    """Return what the snapshot says about the participants that are to come into a conversation."""
    return {
        action.address: person_digest(run.state.digest, action.send)
        for action in run.people.get(conversation, ())
        if action.verb in {Verb.CREATE, Verb.REPLACE}
    }


async def _removed(run: Run, action: Action, where: tuple[str, str]) -> bool:
    try:
        async with run.turns.turn(1):
            await run.client.delete_participant(*where, action.sid or "")
    except NotFound:
        return True  # somebody was quicker
    except RemoteError as error:
        run.results.fail(action, error)
        return False
    return True
