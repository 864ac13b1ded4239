"""The digest of what manifests declare. A saved plan is refused where it has changed."""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from reconciler.model import Conversation, Message, Participant, Service

T = TypeVar("T", Conversation, Message)

_ENCODER: Final = msgspec.msgpack.Encoder()
_APART: Final = {"path", "line", "file", "digest", "messages", "participants", "conversations"}
"""Fields that are left out, as they tell where a value is written, or that are digested one by one."""


def digest_of(account: str | None, services: tuple[Service, ...], blocks: tuple[tuple[Any, ...], ...]) -> str:
    """Return `sha256:…` over all declarations; names and order of files do not matter.

    Sensitive values are left out: a short one could be found from its digest by trying.
    """
    encode = _ENCODER.encode
    digest = hashlib.sha256(encode(account))
    if any(blocks):
        digest.update(encode([sorted(map(encode, block)) for block in blocks]))
    by_name = attrgetter("name")
    for service in sorted(services, key=by_name):
        digest.update(encode(_SERVICE(service)))
        for one in sorted(service.conversations, key=by_name):
            digest.update((one.digest or digest_of_conversation(one)).encode())
    return f"sha256:{digest.hexdigest()}"


def digest_of_conversation(one: Conversation) -> str:
    """Return a digest of all that *one* declares, in hex."""
    files = [(m.file.content_type, m.file.filename) for m in one.messages if m.file]
    messages = [_without_secrets(message) if message.sensitive else message for message in one.messages]
    members = (*map(_PARTICIPANT, one.participants), *map(_MESSAGE, messages))
    encoded = _ENCODER.encode((_CONVERSATION(_without_secrets(one)), members, files))
    return hashlib.sha256(encoded).hexdigest()


def _all_but(kind: type[msgspec.Struct], apart: set[str]) -> attrgetter[tuple[Any, ...]]:
    return attrgetter(*(name for name in kind.__struct_fields__ if name not in apart))


_SERVICE = _all_but(Service, _APART)
_CONVERSATION = _all_but(Conversation, _APART)
_PARTICIPANT = _all_but(Participant, _APART)
_MESSAGE = _all_but(Message, _APART)


def _without_secrets(one: T) -> T:
    """Return *one* with its sensitive fields empty."""
    return msgspec.structs.replace(one, **dict.fromkeys(one.sensitive, "")) if one.sensitive else one
