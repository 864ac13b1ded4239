"""Twilio's Conversations API: one method per operation, over an injected transport.

Every method raises a `RemoteError` when its request fails. Which failures are retried is decided in
`failures`, how often in `retries`, how fast in `pace`. The arguments *service* and *conversation* are sids. A
unique name may take the place of a conversation's sid.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlencode

from msgspec.json import Decoder

from reconciler.errors import RemoteError
from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
from reconciler.twilio import wire
from reconciler.twilio.exchange import Call, Counters, Exchange, Listing, listing_error
from reconciler.twilio.failures import Idempotency
from reconciler.twilio.network import Transport, Url
from reconciler.twilio.pace import Pace
from reconciler.twilio.requests import Requests
from reconciler.twilio.wire import path

_MESSAGES_ASKED: Final = 1000
_MESSAGES_FALLBACK: Final = 100
_UPLOAD_CHUNK: Final = 256 * 1024
_UPLOAD_SECONDS: Final = 300.0

_MESSAGE: Final = Decoder(RemoteMessage)
_MESSAGES: Final = Decoder[wire.Page[RemoteMessage]](wire.MessagePage)
_CONVERSATION: Final = Decoder(RemoteConversation)
_CONVERSATIONS: Final = Decoder[wire.Page[RemoteConversation]](wire.ConversationPage)
_PARTICIPANT: Final = Decoder(RemoteParticipant)
_PARTICIPANTS: Final = Decoder[wire.Page[RemoteParticipant]](wire.ParticipantPage)
_SERVICE: Final = Decoder(RemoteService)
_SERVICES: Final = Decoder[wire.Page[RemoteService]](wire.ServicePage)
_CONFIGURATION: Final = Decoder(wire.Configuration)
_UPLOADED: Final = Decoder(wire.UploadedMedia)


class Twilio:
    """The client of one account at one endpoint; the caller closes *http*."""

    def __init__(self, http: Transport, *, base_url: str, media_url: str, pace: Pace) -> None:
        self._exchange = Exchange(http, base_url=base_url, pace=pace)
        self._requests = Requests(self._exchange)
        self._media_url = media_url
        self._asked = _MESSAGES_ASKED
        self.message_page_size = _MESSAGES_ASKED
        """Messages per page: as asked for, or fewer if the server has granted fewer."""

    def guard(self, may_send: Callable[[], None]) -> None:
        """Call *may_send* right before each create, update or delete is handed to the transport.

        It raises NotSent to prevent the request. An upload changes nothing that a later run could repeat, so
        it is not asked about.
        """
        self._exchange.may_send = may_send

    @property
    def counters(self) -> Counters:
        """The requests sent so far."""
        return self._exchange.counters

    @property
    def read_at(self) -> str:
        """The `Date` of the last reply, in whole seconds of UTC; empty if no reply had one."""
        return self._exchange.clock.last

    def now(self) -> str:
        """Return the present in whole seconds of UTC by the server's clock, or by ours before a reply."""
        return self._exchange.clock.now()

    # Messages

    async def message_pages(
        self,
        service: str,
        conversation: str,
        *,
        order: Literal["asc", "desc"] = "asc",
        page_size: int = _MESSAGES_ASKED,
    ) -> AsyncIterator[Sequence[RemoteMessage]]:
        """Yield the messages of a conversation page by page, by index.

        The server may grant smaller pages than *page_size*. Twilio's reference has named both 1,000 and 100
        as the largest size: if the server refuses a larger one, 100 is asked for from then on.
        """
        where = _in_conversation(service, conversation, "Messages")
        asked = min(page_size, self._asked)
        read_any = False
        try:
            async for items in self._messages(where, order, asked):
                read_any = True
                yield items
        except RemoteError as error:
            if error.status != HTTPStatus.BAD_REQUEST or asked <= _MESSAGES_FALLBACK or read_any:
                raise
            self._asked = self.message_page_size = _MESSAGES_FALLBACK
            async for items in self._messages(where, order, _MESSAGES_FALLBACK):
                yield items

    async def fetch_message(self, service: str, conversation: str, sid: str) -> RemoteMessage:
        """Return one message."""
        where = _in_conversation(service, conversation, "Messages", sid)
        return await self._requests.read("fetch message", where, _MESSAGE)

    async def create_message(
        self, service: str, conversation: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteMessage:
        """Post a message; it gets the next index of its conversation."""
        where = _in_conversation(service, conversation, "Messages")
        form = wire.form(fields, wire.MESSAGE_FORM)
        return await self._requests.create(
            "create message", where, form, _MESSAGE, bucket=conversation, webhooks=webhooks
        )

    async def update_message(
        self, service: str, conversation: str, sid: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteMessage:
        """Change *fields* of a message, and no others."""
        where = _in_conversation(service, conversation, "Messages", sid)
        form = wire.form(fields, wire.MESSAGE_FORM)
        return await self._requests.update(
            "update message", where, form, _MESSAGE, bucket=conversation, webhooks=webhooks
        )

    async def delete_message(
        self, service: str, conversation: str, sid: str, *, webhooks: bool = False
    ) -> None:
        """Delete a message; raises `NotFound` if there is none, also if a lost attempt has deleted it."""
        where = _in_conversation(service, conversation, "Messages", sid)
        await self._requests.delete("delete message", where, bucket=conversation, webhooks=webhooks)

    # Conversations

    async def conversation_pages(
        self, service: str, *, page_size: int = 100
    ) -> AsyncIterator[Sequence[RemoteConversation]]:
        """Yield the conversations of a service, the latest active first.

        Activity during the listing moves a conversation to its front, so one may appear twice or be missing.
        """
        where = path("Services", service, "Conversations")
        listing = Listing("list conversations", where, f"?PageSize={page_size}", _CONVERSATIONS)
        async for page in self._exchange.pages(listing):
            yield page.items

    async def fetch_conversation(self, service: str, conversation: str) -> RemoteConversation:
        """Return the conversation of this sid or unique name."""
        where = _in_conversation(service, conversation)
        return await self._requests.read("fetch conversation", where, _CONVERSATION)

    async def create_conversation(
        self, service: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteConversation:
        """Create a conversation; raises `Conflict` if its unique name is taken."""
        where = path("Services", service, "Conversations")
        form = wire.form(fields, wire.CONVERSATION_FORM)
        return await self._requests.create(
            "create conversation", where, form, _CONVERSATION, bucket=service, webhooks=webhooks
        )

    async def update_conversation(
        self, service: str, conversation: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteConversation:
        """Change *fields* of a conversation, and no others."""
        where = _in_conversation(service, conversation)
        form = wire.form(fields, wire.CONVERSATION_FORM)
        return await self._requests.update(
            "update conversation", where, form, _CONVERSATION, bucket=conversation, webhooks=webhooks
        )

    async def delete_conversation(self, service: str, conversation: str, *, webhooks: bool = False) -> None:
        """Delete a conversation, its messages and participants; raises `NotFound` if there is none."""
        where = _in_conversation(service, conversation)
        await self._requests.delete("delete conversation", where, bucket=service, webhooks=webhooks)

    # Participants

    async def participant_pages(
        self, service: str, conversation: str, *, page_size: int = 100
    ) -> AsyncIterator[Sequence[RemoteParticipant]]:
        """Yield the participants of a conversation."""
        where = _in_conversation(service, conversation, "Participants")
        listing = Listing("list participants", where, f"?PageSize={page_size}", _PARTICIPANTS)
        async for page in self._exchange.pages(listing):
            yield page.items

    async def fetch_participant(self, service: str, conversation: str, sid: str) -> RemoteParticipant:
        """Return one participant."""
        where = _in_conversation(service, conversation, "Participants", sid)
        return await self._requests.read("fetch participant", where, _PARTICIPANT)

    async def create_participant(
        self, service: str, conversation: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteParticipant:
        """Add a participant."""
        where = _in_conversation(service, conversation, "Participants")
        form = wire.form(fields, wire.PARTICIPANT_FORM)
        return await self._requests.create(
            "create participant", where, form, _PARTICIPANT, bucket=conversation, webhooks=webhooks
        )

    async def update_participant(
        self, service: str, conversation: str, sid: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteParticipant:
        """Change *fields* of a participant, and no others."""
        where = _in_conversation(service, conversation, "Participants", sid)
        form = wire.form(fields, wire.PARTICIPANT_FORM)
        return await self._requests.update(
            "update participant", where, form, _PARTICIPANT, bucket=conversation, webhooks=webhooks
        )

    async def delete_participant(
        self, service: str, conversation: str, sid: str, *, webhooks: bool = False
    ) -> None:
        """Remove a participant, but not its messages; raises `NotFound` if there is none."""
        where = _in_conversation(service, conversation, "Participants", sid)
        await self._requests.delete("delete participant", where, bucket=conversation, webhooks=webhooks)

    # Services and the account

    async def service_pages(self, *, page_size: int = 100) -> AsyncIterator[Sequence[RemoteService]]:
        """Yield the services of the account."""
        listing = Listing("list services", path("Services"), f"?PageSize={page_size}", _SERVICES)
        async for page in self._exchange.pages(listing):
            yield page.items

    async def fetch_service(self, service: str) -> RemoteService:
        """Return the service of this sid."""
        return await self._requests.read("fetch service", path("Services", service), _SERVICE)

    async def create_service(self, friendly_name: str) -> RemoteService:
        """Create a service; friendly names of services need not be unique."""
        form = wire.form({"friendly_name": friendly_name}, wire.SERVICE_FORM)
        return await self._requests.create(
            "create service", path("Services"), form, _SERVICE, bucket="Services", webhooks=False
        )

    async def delete_service(self, service: str) -> None:
        """Delete a service with everything in it; raises `NotFound` if there is none."""
        await self._requests.delete(
            "delete service", path("Services", service), bucket="Services", webhooks=False
        )

    async def default_service_sid(self) -> str:
        """Return the sid of the service behind the account's short URLs."""
        return (await self._configuration()).default_chat_service_sid

    async def account_sid(self) -> str:
        """Return the account that the credentials belong to."""
        return (await self._configuration()).account_sid

    async def upload_media(self, service: str, file: Path, *, content_type: str, filename: str) -> str:
        """Upload *file* and return its sid (ME…).

        Twilio deletes it after five minutes without a message that refers to it.
        """
        where = path("Services", service, "Media")
        size = (await asyncio.to_thread(file.stat)).st_size

        async def chunks() -> AsyncIterator[bytes]:
            with file.open("rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, _UPLOAD_CHUNK):
                    yield chunk

        media = Url.parse(self._media_url)
        call = Call(
            "upload media",
            where,
            Url(media.origin, f"{media.target}{where}?{urlencode({'Filename': filename})}"),
            # Twilio deletes uploads that no message refers to, so an upload may be repeated.
            idempotency=Idempotency.IDEMPOTENT,
            method="POST",
            content=chunks,
            headers={"Content-Type": content_type, "Content-Length": str(size)},
            seconds=_UPLOAD_SECONDS,
            guarded=False,
        )
        return (await self._exchange.send(call, _UPLOADED)).sid

    async def _configuration(self) -> wire.Configuration:
        return await self._requests.read("fetch configuration", path("Configuration"), _CONFIGURATION)

    async def _messages(self, where: str, order: str, asked: int) -> AsyncIterator[list[RemoteMessage]]:
        listing = Listing("list messages", where, f"?Order={order}&PageSize={asked}", _MESSAGES)
        last: int | None = None
        async for page in self._exchange.pages(listing):
            if page.meta.next_page_url is not None and 0 < len(page.items) < asked:
                self.message_page_size = len(page.items)
            for end in page.items[-1:]:
                onward = last is None or (end.index > last if order == "asc" else end.index < last)
                if end.index < 0 or not onward:
                    raise listing_error(listing, "its pages are out of order")
                last = end.index
            yield page.items


def _in_conversation(service: str, conversation: str, *rest: str) -> str:
    return path("Services", service, "Conversations", conversation, *rest)
