"""Twilio's Conversations API: one method per operation, over an injected `httpx.AsyncClient`.

Every method raises the `RemoteError` tree of `errors`. Which failures are retried is decided in
`failures`, how often and how fast in `pace`. A `{conversation}` or `{service}` in a path may be a
sid, and for a conversation also its unique name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeVar

import httpx
from msgspec.json import Decoder

from reconciler.errors import RemoteError
from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
from reconciler.model.canonical import canonical_instant
from reconciler.twilio import wire
from reconciler.twilio.exchange import Call, Counters, Exchange, Listing, listing_error
from reconciler.twilio.failures import Kind
from reconciler.twilio.pace import Pace
from reconciler.twilio.wire import path

T = TypeVar("T")

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
    """The client of one account at one endpoint; *http* stays the caller's to close."""

    def __init__(self, http: httpx.AsyncClient, *, base_url: str, media_url: str, pace: Pace) -> None:
        self._exchange = Exchange(http, base_url=base_url, pace=pace)
        self._media_url = media_url
        self._asked = _MESSAGES_ASKED
        self.message_page_size = _MESSAGES_ASKED
        """Messages that a page holds, as far as the server has shown."""

    @property
    def counters(self) -> Counters:
        """The requests sent so far."""
        return self._exchange.counters

    @property
    def read_at(self) -> str:
        """The moment of the last reply by the server's clock, or an empty text if it does not tell."""
        return wire.http_date(self._exchange.date or "")

    def now(self) -> str:
        """Return the moment in whole seconds: by the server's clock, and never later than that, or by ours.

        What is compared with the dates that the server gives must not depend on how our clock is set.
        """
        told = self.read_at
        if not told:
            return canonical_instant(datetime.now(UTC))
        passed = asyncio.get_running_loop().time() - self._exchange.date_seen
        try:
            return canonical_instant(datetime.fromisoformat(told) + timedelta(seconds=passed))
        except OverflowError:  # its calendar ends
            return told

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

        The server may grant smaller pages than asked for; where it refuses a size above 100, 100 is
        asked for from then on.
        """
        where = _in_conversation(service, conversation, "Messages")
        asked = min(page_size, self._asked)
        read_any = False
        try:
            async for items in self._messages(where, order, asked):
                read_any = True
                yield items
        except RemoteError as error:
            if error.status != httpx.codes.BAD_REQUEST or asked <= _MESSAGES_FALLBACK or read_any:
                raise
            self._asked = self.message_page_size = _MESSAGES_FALLBACK
            async for items in self._messages(where, order, _MESSAGES_FALLBACK):
                yield items

    async def fetch_message(self, service: str, conversation: str, sid: str) -> RemoteMessage:
        """Return one message."""
        where = _in_conversation(service, conversation, "Messages", sid)
        return await self._read("fetch message", where, _MESSAGE)

    async def create_message(
        self, service: str, conversation: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteMessage:
        """Post a message; it gets the next index of its conversation."""
        where = _in_conversation(service, conversation, "Messages")
        form = wire.form(fields, wire.MESSAGE_FORM)
        return await self._write(
            "create message", where, form, _MESSAGE, kind=Kind.CREATE, lane=conversation, webhooks=webhooks
        )

    async def update_message(
        self, service: str, conversation: str, sid: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteMessage:
        """Change *fields* of a message, and no others."""
        where = _in_conversation(service, conversation, "Messages", sid)
        form = wire.form(fields, wire.MESSAGE_FORM)
        return await self._write(
            "update message", where, form, _MESSAGE, kind=Kind.CHANGE, lane=conversation, webhooks=webhooks
        )

    async def delete_message(
        self, service: str, conversation: str, sid: str, *, webhooks: bool = False
    ) -> None:
        """Delete a message; `NotFound` if there is none, which after a retry means success too."""
        where = _in_conversation(service, conversation, "Messages", sid)
        await self._delete("delete message", where, lane=conversation, webhooks=webhooks)

    # Conversations

    async def conversation_pages(
        self, service: str, *, page_size: int = 100
    ) -> AsyncIterator[Sequence[RemoteConversation]]:
        """Yield the conversations of a service, the latest active first; they may move meanwhile."""
        where = path("Services", service, "Conversations")
        listing = Listing("list conversations", where, f"?PageSize={page_size}", _CONVERSATIONS)
        async for page in self._exchange.pages(listing):
            yield page.items

    async def fetch_conversation(self, service: str, conversation: str) -> RemoteConversation:
        """Return the conversation of this sid or unique name."""
        where = _in_conversation(service, conversation)
        return await self._read("fetch conversation", where, _CONVERSATION)

    async def create_conversation(
        self, service: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteConversation:
        """Create a conversation; `Conflict` if its unique name is taken."""
        where = path("Services", service, "Conversations")
        form = wire.form(fields, wire.CONVERSATION_FORM)
        return await self._write(
            "create conversation",
            where,
            form,
            _CONVERSATION,
            kind=Kind.CREATE,
            lane=service,
            webhooks=webhooks,
        )

    async def update_conversation(
        self, service: str, conversation: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteConversation:
        """Change *fields* of a conversation, and no others."""
        where = _in_conversation(service, conversation)
        form = wire.form(fields, wire.CONVERSATION_FORM)
        return await self._write(
            "update conversation",
            where,
            form,
            _CONVERSATION,
            kind=Kind.CHANGE,
            lane=conversation,
            webhooks=webhooks,
        )

    async def delete_conversation(self, service: str, conversation: str, *, webhooks: bool = False) -> None:
        """Delete a conversation with all its messages and participants; `NotFound` if there is none."""
        where = _in_conversation(service, conversation)
        await self._delete("delete conversation", where, lane=service, webhooks=webhooks)

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
        return await self._read("fetch participant", where, _PARTICIPANT)

    async def create_participant(
        self, service: str, conversation: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteParticipant:
        """Add a participant."""
        where = _in_conversation(service, conversation, "Participants")
        form = wire.form(fields, wire.PARTICIPANT_FORM)
        return await self._write(
            "create participant",
            where,
            form,
            _PARTICIPANT,
            kind=Kind.CREATE,
            lane=conversation,
            webhooks=webhooks,
        )

    async def update_participant(
        self, service: str, conversation: str, sid: str, fields: Mapping[str, str], *, webhooks: bool = False
    ) -> RemoteParticipant:
        """Change *fields* of a participant, and no others."""
        where = _in_conversation(service, conversation, "Participants", sid)
        form = wire.form(fields, wire.PARTICIPANT_FORM)
        return await self._write(
            "update participant",
            where,
            form,
            _PARTICIPANT,
            kind=Kind.CHANGE,
            lane=conversation,
            webhooks=webhooks,
        )

    async def delete_participant(
        self, service: str, conversation: str, sid: str, *, webhooks: bool = False
    ) -> None:
        """Remove a participant; its messages stay. `NotFound` if there is none."""
        where = _in_conversation(service, conversation, "Participants", sid)
        await self._delete("delete participant", where, lane=conversation, webhooks=webhooks)

    # Services and the account

    async def service_pages(self, *, page_size: int = 100) -> AsyncIterator[Sequence[RemoteService]]:
        """Yield the services of the account."""
        listing = Listing("list services", path("Services"), f"?PageSize={page_size}", _SERVICES)
        async for page in self._exchange.pages(listing):
            yield page.items

    async def fetch_service(self, service: str) -> RemoteService:
        """Return the service of this sid."""
        return await self._read("fetch service", path("Services", service), _SERVICE)

    async def create_service(self, friendly_name: str) -> RemoteService:
        """Create a service; nothing stops two of them from having one name."""
        form = wire.form({"friendly_name": friendly_name}, wire.SERVICE_FORM)
        return await self._write(
            "create service",
            path("Services"),
            form,
            _SERVICE,
            kind=Kind.CREATE,
            lane="Services",
            webhooks=False,
        )

    async def delete_service(self, service: str) -> None:
        """Delete a service with everything in it; `NotFound` if there is none."""
        await self._delete("delete service", path("Services", service), lane="Services", webhooks=False)

    async def default_service_sid(self) -> str:
        """Return the sid of the service behind the account's short URLs."""
        return (
            await self._read("fetch configuration", path("Configuration"), _CONFIGURATION)
        ).default_chat_service_sid

    async def account_sid(self) -> str:
        """Return the account that the credentials belong to."""
        return (await self._read("fetch configuration", path("Configuration"), _CONFIGURATION)).account_sid

    async def upload_media(self, service: str, file: Path, *, content_type: str, filename: str) -> str:
        """Upload *file* and return its ME sid, to be used once and within five minutes."""
        where = path("Services", service, "Media")
        size = (await asyncio.to_thread(file.stat)).st_size

        async def chunks() -> AsyncIterator[bytes]:
            with file.open("rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, _UPLOAD_CHUNK):
                    yield chunk

        call = Call(
            "upload media",
            where,
            httpx.URL(self._media_url + where, params={"Filename": filename}),
            # An upload that nothing refers to is collected by Twilio, so it may be repeated.
            kind=Kind.CHANGE,
            method="POST",
            content=chunks,
            headers={"Content-Type": content_type, "Content-Length": str(size)},
            seconds=_UPLOAD_SECONDS,
        )
        return (await self._exchange.send(call, _UPLOADED)).sid

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

    async def _read(self, operation: str, where: str, decoder: Decoder[T]) -> T:
        return await self._exchange.send(Call(operation, where, self._exchange.url(where)), decoder)

    async def _write(
        self,
        operation: str,
        where: str,
        form: bytes,
        decoder: Decoder[T],
        *,
        kind: Kind,
        lane: str,
        webhooks: bool,
    ) -> T:
        call = Call(
            operation,
            where,
            self._exchange.url(where),
            kind=kind,
            method="POST",
            lane=lane,
            content=form,
            headers={"Content-Type": "application/x-www-form-urlencoded", **_webhooks_header(on=webhooks)},
        )
        return await self._exchange.send(call, decoder)

    async def _delete(self, operation: str, where: str, *, lane: str, webhooks: bool) -> None:
        call = Call(
            operation,
            where,
            self._exchange.url(where),
            kind=Kind.CHANGE,
            method="DELETE",
            lane=lane,
            headers=_webhooks_header(on=webhooks),
        )
        await self._exchange.send(call, None)


def _in_conversation(service: str, conversation: str, *rest: str) -> str:
    return path("Services", service, "Conversations", conversation, *rest)


def _webhooks_header(*, on: bool) -> dict[str, str]:
    return {"X-Twilio-Webhook-Enabled": "true"} if on else {}
