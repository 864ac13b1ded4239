"""The application under test: it answers whoever asks where an order is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio.rest import Client


def answer(client: Client, service_sid: str, conversation_sid: str) -> None:
    """Answer the last message of a conversation, if it is a question that we know."""
    conversation = client.conversations.v1.services(service_sid).conversations(conversation_sid)
    (last,) = conversation.messages.list(order="desc", limit=1)
    if "where is my order" in last.body.lower():
        conversation.messages.create(author="bot", body="It is on its way.")
