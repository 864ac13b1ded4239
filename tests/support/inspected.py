"""An emulator to look into, in which strangers wrote a text wherever they can."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from io import BytesIO
from typing import Final

from reconciler.emulator import Emulator
from reconciler.emulator.store import Store

PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003"
    "01010018dd8db00000000049454e44ae426082"
)
"""A picture of one red point."""
_NAME: Final = 200


def fill(store: Store, text: str) -> tuple[str, str]:
    """Write *text* in every place of a new service; return the sids of that and of its conversation."""
    name, attributes = text[:_NAME], json.dumps({text: [text]})
    service = store.services.create({"FriendlyName": name}).sid
    fields = {"FriendlyName": name, "UniqueName": name, "Attributes": attributes}
    conversation = store.conversations.create(service, fields).sid
    where = service, conversation
    outside = {"MessagingBinding.Address": f"+49{name}", "MessagingBinding.ProxyAddress": name}
    store.participants.create(*where, {"Identity": name, "Attributes": attributes})
    store.participants.create(*where, outside)
    media = store.media.upload(service, BytesIO(PNG), "image/png", name)
    store.messages.create(*where, {"Author": name, "Body": text, "Attributes": attributes})
    store.messages.create(*where, {"Author": name, "MediaSid": media.sid})
    store.messages.create(*where, {"Author": f"+49{name}", "Body": text})
    return where


def writable(texts: Iterable[str]) -> list[str]:
    """Return those of *texts* that a request can hold: UTF-8 has no halves of surrogate pairs."""
    return [text for text in texts if text.encode(errors="ignore").decode() == text]


def token_of(page: str) -> str:
    """Return the token of the forms of *page*."""
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def chat_of(emulator: Emulator, text: str = "Hello") -> str:
    """Return the path of a conversation in which *text* is written everywhere."""
    return "/_inspector/" + "/".join(fill(emulator.store, text))
