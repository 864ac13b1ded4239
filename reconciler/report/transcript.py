"""Live conversations as text, Markdown, JSON or a page; what a state calls sensitive stays hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.chat.values import Chat, Page, Section
from reconciler.model import (
    Address,
    ConversationView,
    RemoteConversation,
    RemoteMessage,
    RemoteParticipant,
    RemoteService,
)
from reconciler.model.canonical import canonical_date
from reconciler.report import disclosure
from reconciler.report.bubbles import Show
from reconciler.report.chats import Scene, chat, untouched
from reconciler.report.disclosure import Bodies
from reconciler.report.json import encode
from reconciler.resources.conversation import live_conversation_values
from reconciler.resources.participant import live_participant_values
from reconciler.state.index import Bindings
from reconciler.text.words import counted

FORMAT_VERSION: Final = "1.0"
"""The version of the JSON document; a new field does not change it."""


class Live(Struct, frozen=True):
    """A live conversation."""

    service: RemoteService
    """The service that it is in."""
    live: RemoteConversation
    """The conversation."""
    messages: dict[str, RemoteMessage] = {}
    """All its messages, by sid."""
    participants: dict[str, RemoteParticipant] = {}
    """All its participants, by sid."""
    address: Address = ""
    """Its address, if the state has one."""
    bound: Bindings = {}
    """The bindings of its messages."""

    @property
    def title(self) -> str:
        """The address, or the names of service and conversation."""
        name = self.live.unique_name or self.live.sid
        return self.address or f"{self.service.friendly_name or self.service.sid}/{name}"

    @property
    def view(self) -> ConversationView:
        """The same as a planner sees it."""
        return ConversationView(self.live, self.messages, participants=self.participants)


def transcript_page(found: Sequence[Live], *, made_by: str) -> str:
    """Return the conversations as a page; *made_by* stands at its end. This imports Jinja2."""
    from reconciler.chat.page import render  # noqa: PLC0415

    chats = [(one.service, chat_of(one, f"c{number}")) for number, one in enumerate(found, start=1)]
    sections = tuple(
        Section(service.friendly_name or service.sid, service.sid, chats=tuple(chat for _, chat in group))
        for service, group in groupby(chats, key=lambda pair: pair[0])
    )
    return render(Page("Transcript", summary(found), sections=sections, footer=made_by))


def transcript_json(found: Sequence[Live]) -> bytes:
    """Return the conversations as JSON: canonical values, without what is sensitive."""
    document = {"format_version": FORMAT_VERSION, "conversations": [_document(one) for one in found]}
    return encode(document)


def summary(found: Sequence[Live]) -> str:
    """Return how much there is."""
    messages = sum(len(one.messages) for one in found)
    return f"{counted(len(found), 'conversation')}, {counted(messages, 'message')}"


def chat_of(one: Live, anchor: str = "c1") -> Chat:
    """Return a conversation as a chat."""
    made = chat(Scene(one.title, [], None, one.view, one.bound), Show(), anchor=anchor)
    return msgspec.structs.replace(made, folded=False)


def _document(one: Live) -> dict[str, Any]:
    return {
        "address": one.address or None,
        "service": {"sid": one.service.sid, "friendly_name": one.service.friendly_name},
        "sid": one.live.sid,
        **_parsed(live_conversation_values(one.live).items()),
        "date_created": canonical_date(one.live.date_created),
        "participants": [
            {"sid": person.sid, **_parsed(live_participant_values(person).items())}
            for person in one.participants.values()
        ],
        "messages": list(_messages(one)),
    }


def _messages(one: Live) -> Iterator[dict[str, Any]]:
    for action, live in untouched(one.view, one.bound, one.title):
        yield {
            "address": action.address if one.address and not action.address.endswith(live.sid) else None,
            "sid": live.sid,
            "index": live.index,
            **disclosure.fields(action, action.after, Bodies.FULL, ""),
            "media": [msgspec.structs.asdict(file) for file in live.media or ()],
        }


def _parsed(values: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: disclosure.parsed(name, text) for name, text in values}
