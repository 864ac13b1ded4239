"""The official SDK, pointed at an emulator."""

from __future__ import annotations

from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

ACCOUNT = "AC" + "0" * 32


class EmulatorHttpClient(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Sends what is meant for Twilio to the emulator."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._origin = origin

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        """Make one request."""
        return super().request(
            method, url.replace("https://conversations.twilio.com", self._origin), *args, **more
        )


def client_at(origin: str) -> Client:
    """Return a client whose every request goes to *origin*."""
    return Client(ACCOUNT, "sesame-open", http_client=EmulatorHttpClient(origin))


def only_conversation(sdk: Client) -> Any:
    """Return the one conversation of the one service."""
    (service,) = sdk.conversations.v1.services.list()
    (conversation,) = sdk.conversations.v1.services(service.sid).conversations.list()
    return sdk.conversations.v1.services(service.sid).conversations(conversation.sid)
