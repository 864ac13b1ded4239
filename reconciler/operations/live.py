"""Read single live objects, for the commands that write manifests of them."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from reconciler.errors import NotFound, StateError, UsageError
from reconciler.state.intents import fold_in_flight

if TYPE_CHECKING:
    from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
    from reconciler.state.model import State
    from reconciler.twilio.client import Twilio


def check_settled(state: State) -> None:
    """Raise StateError if an earlier run left a create open: what is live may be its result."""
    fold_in_flight(state)
    for address in state.intents:
        raise StateError(
            f"an earlier run left open whether `{address}` was created",
            hint="run `reconciler apply`, which finds out, and try again",
        )


def age(one: RemoteService | RemoteConversation) -> tuple[str, str]:
    """Return what sorts services and conversations, the oldest first."""
    return one.date_created or "", one.sid


async def live_service(client: Twilio, sid: str) -> RemoteService:
    """Return a service; raises UsageError if it does not exist."""
    try:
        return await client.fetch_service(sid)
    except NotFound as error:
        raise UsageError(f"there is no service {sid}", hint="check the sid and the account") from error


async def live_conversation(client: Twilio, service_sid: str, name: str) -> RemoteConversation | None:
    """Return the conversation with this sid or unique name; None if it does not exist."""
    try:
        return await client.fetch_conversation(service_sid, name)
    except NotFound:
        return None


async def live_messages(client: Twilio, service_sid: str, conversation_sid: str) -> list[RemoteMessage]:
    """Return the messages of a conversation, in the order of their indexes."""
    pages = client.message_pages(service_sid, conversation_sid)
    return sorted([one async for page in pages for one in page], key=attrgetter("index"))


async def live_participants(
    client: Twilio, service_sid: str, conversation_sid: str
) -> list[RemoteParticipant]:
    """Return the participants of a conversation, as they are listed."""
    pages = client.participant_pages(service_sid, conversation_sid)
    return [one async for page in pages for one in page]
