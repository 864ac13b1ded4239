"""One webhook as a signed request, and its answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from reconciler.emulator.webhooks.signature import sign

_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook. *url* is what it is signed for; with the method GET, its query holds the parameters."""

    event: str
    url: str
    method: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a webhook; *error* says why there is none."""

    status: int | None = None
    body: bytes = b""
    error: str = ""


def webhook(event: str, url: str, method: str, parameters: Mapping[str, str], auth_token: str) -> Webhook:
    """Return a signed webhook."""
    signed: Mapping[str, str] = parameters
    if method == "GET":
        url += ("&" if "?" in url else "?") + urlencode(parameters)
        signed = {}
    headers = {
        "X-Twilio-Signature": sign(url, signed, auth_token),
        "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "Connection": "close",
    }
    if method == "POST":
        headers["Content-Type"] = _FORM
    return Webhook(event, url, method, parameters, headers)
