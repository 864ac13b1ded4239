"""The operations to which links lead, and which the emulator does not have."""

from __future__ import annotations

from http import HTTPStatus
from typing import NoReturn

from reconciler.emulator.call import Call
from reconciler.emulator.errors import ApiError


def _unserved(what: str) -> NoReturn:
    text = f"The emulator does not serve {what}, as Twilio's reference does not describe it."
    raise ApiError(None, text, HTTPStatus.NOT_IMPLEMENTED)


def fetch_channel_metadata(call: Call) -> NoReturn:
    """Refuse to return the metadata of a message's channel."""
    names = call.names
    call.store.messages.get(call.home.service_sid, names["conversation"], names["message"])
    _unserved("the channel metadata of a message")


def fetch_export(call: Call) -> NoReturn:
    """Refuse to return the export of a conversation."""
    call.store.conversations.get(call.home.service_sid, call.names["conversation"])
    _unserved("the export of a conversation")


def create_export(call: Call) -> NoReturn:
    """Refuse to export a conversation."""
    fetch_export(call)
