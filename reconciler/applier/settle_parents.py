"""Settle the create of a service, conversation or participant whose reply is not on record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.applier.polling import Answer, Pause, SettleWindow, poll, sleep
from reconciler.errors import NotFound
from reconciler.model import RemoteParticipant, ResourceType, type_of
from reconciler.model.canonical import canonical_date
from reconciler.resources.binding import created_or_found
from reconciler.resources.participant import live_participant_values, natural_key
from reconciler.resources.schema import Digest
from reconciler.state.model import Bound, Closed, Record, State
from reconciler.state.remembered import Binding, Intent

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

_PARTICIPANT: Final = "participant"
"""The field name under which natural keys are digested."""


class Settled(Struct, frozen=True):
    """The outcome of one intent: *binding* if its create happened.

    *unknown* is the reason why the outcome is not known.
    """

    intent: Intent
    binding: Binding | None = None
    unknown: str = ""

    @property
    def record(self) -> Record | None:
        """Return the record of the outcome, or None while it is unknown."""
        if self.unknown:
            return None
        if self.binding is not None:
            return Bound(self.intent.address, self.binding)
        return Closed(self.intent.address)


def participant_digest(digest: Digest, values: Mapping[str, str]) -> str:
    """Return the digest of the natural key of a participant with these *values*."""
    return digest(_PARTICIPANT, json.dumps(natural_key(values)))


def is_ours(date_created: str | None, intent: Intent) -> bool:
    """Return whether an object created at that date is not older than *intent*.

    Its natural key was free when the intent was opened, so an object that is not older is ours.
    """
    return (canonical_date(date_created) or "") >= intent.opened_at


async def settle_parent(
    client: Twilio, intent: Intent, settle_window: SettleWindow, pause: Pause = sleep
) -> Settled:
    """Settle the create of a service or a conversation.

    A service is recognised by a sid that did not exist before, a conversation by its unique name.
    """
    binding: Binding | None = None

    async def look() -> bool:
        nonlocal binding
        if type_of(intent.address) is ResourceType.SERVICE:
            binding = await _new_service(client, intent)
        else:
            binding = await _new_conversation(client, intent)
        return binding is not None

    if type_of(intent.address) is not ResourceType.SERVICE and not intent.service_sid:
        return Settled(intent)  # its service was not created
    if await poll(look, settle_window, pause) is Answer.UNKNOWN:
        return Settled(intent, unknown="what is there could not be read")
    return Settled(intent, binding)


async def settle_participant(
    client: Twilio, state: State, intent: Intent, settle_window: SettleWindow, pause: Pause = sleep
) -> Settled:
    """Settle the create of a participant, by its natural key."""
    if not intent.conversation_sid:
        return Settled(intent)  # the conversation was not created
    live: RemoteParticipant | None = None

    async def look() -> bool:
        nonlocal live
        live = await find_participant(client, state.digest, intent)
        return live is not None

    if await poll(look, settle_window, pause) is Answer.UNKNOWN:
        return Settled(intent, unknown="the participants of its conversation could not be read")
    if live is None:
        return Settled(intent)
    before = state.bindings.get(intent.address)
    superseded: tuple[str, ...] = ()
    if before is not None and before.sid != live.sid:
        superseded = (*before.superseded, *((before.sid,) if before.created else ()))
    created = is_ours(live.date_created, intent)
    return Settled(intent, created_or_found(intent, live.sid, created=created, superseded=superseded))


async def find_participant(client: Twilio, digest: Digest, intent: Intent) -> RemoteParticipant | None:
    """Return the participant with the natural key of *intent*, or None."""
    async for page in client.participant_pages(intent.service_sid, intent.conversation_sid):
        for live in page:
            if participant_digest(digest, live_participant_values(live)) == intent.match:
                return live
    return None


async def _new_service(client: Twilio, intent: Intent) -> Binding | None:
    """Find a service of the intent's name that did not exist before. Of several, none is known to be ours."""
    new = [
        service.sid
        async for page in client.service_pages()
        for service in page
        if service.friendly_name == intent.name and service.sid not in intent.known
    ]
    return created_or_found(intent, new[0], created=len(new) == 1) if new else None


async def _new_conversation(client: Twilio, intent: Intent) -> Binding | None:
    """Find the conversation by its unique name. It is ours only if it is not older than the intent."""
    try:
        live = await client.fetch_conversation(intent.service_sid, intent.name)
    except NotFound:
        return None
    if live.sid in intent.known:  # the conversation that it replaces
        return None
    return created_or_found(intent, live.sid, created=is_ours(live.date_created, intent))
