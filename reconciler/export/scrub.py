"""Replace texts and identities by stand-ins. Nothing here does I/O.

Under one salt, equal texts get equal stand-ins; without the salt nobody can confirm a guess. One word gets
a different stand-in in each text, so that counting words reveals nothing.

Kept: the length and place of words, punctuation, line breaks, the shape of attributes, the order, the dates.
Replaced: every word, number, name, key and sid, and all files.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b, sha256
from typing import Any, Final

from msgspec.structs import replace

from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService

SYSTEM: Final = "system"
"""The author that Twilio fills in by default: it names no person."""


A_FILE: Final = "(a file)"
"""The body of a message that held only a file."""


_WORD: Final = re.compile(r"[^\s!-/:-@\[-`{-~]+")
"""A run of characters that are neither white space nor ASCII punctuation: letters, emoji and marks too."""


_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


class Scrubber:
    """Makes stand-ins under one *salt*."""

    def __init__(self, salt: bytes) -> None:
        self._key = sha256(salt).digest()

    def service(self, live: RemoteService) -> RemoteService:
        """Return a service without anything that identifies its owner."""
        return replace(live, sid=self._sid(live.sid), friendly_name=self._optional(live.friendly_name))

    def conversation(self, live: RemoteConversation) -> RemoteConversation:
        """Return a conversation without anything that identifies it."""
        return RemoteConversation(
            sid=self._sid(live.sid),
            unique_name=self._optional(live.unique_name),
            friendly_name=self._optional(live.friendly_name),
            attributes=self._json(live.attributes),
            date_created=live.date_created,
        )

    def participant(self, live: RemoteParticipant) -> RemoteParticipant:
        """Return a chat participant with a stand-in as identity; addresses outside the chat are dropped."""
        address = (live.messaging_binding or {}).get("address")
        name = live.identity or address
        return RemoteParticipant(
            sid=self._sid(live.sid),
            identity=self.identity(name) if name else None,
            attributes=self._json(live.attributes),
        )

    def message(self, live: RemoteMessage) -> RemoteMessage:
        """Return a message with stand-ins for text and author; files and templates become text."""
        return replace(
            live,
            sid=self._sid(live.sid),
            author=self.identity(live.author) if live.author else live.author,
            body=self.text(live.body) if live.body else A_FILE if live.media else live.body,
            attributes=self._json(live.attributes),
            content_sid=None,
            media=None,
            conversation_sid=None,
        )

    def identity(self, name: str) -> str:
        """Return the stand-in for a person: `user-` and eight hexadecimal digits."""
        return name if name == SYSTEM else f"user-{self._digest('identity', name)[:4].hex()}"

    def text(self, text: str) -> str:
        """Return *text* with every word replaced by one of the same length, digits by digits."""
        whole = self._digest("text", text).hex()
        return _WORD.sub(lambda word: self._word(word[0], f"{word.start()} {whole}"), text)

    def value(self, value: Any) -> Any:
        """Return a JSON value of the same shape: keys are words too; true, false and null stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._fields(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        return self._number(value)

    def _fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        scrubbed: dict[str, Any] = {}
        for key, item in fields.items():
            name = self.text(key)
            while name in scrubbed:  # stand-ins of short keys may collide, and no key may be lost
                name += "x"
            scrubbed[name] = self.value(item)
        return scrubbed

    def _optional(self, text: str | None) -> str | None:
        return self.text(text) if text else text

    def _json(self, text: str | None) -> str | None:
        if not text:
            return text
        try:
            return json.dumps(self.value(json.loads(text)))
        except (ValueError, RecursionError):
            return self.text(text)

    def _word(self, word: str, place: str) -> str:
        if word.isascii() and word.isdecimal():
            return self._characters(word, "0123456789", place)
        letters = self._characters(word, _LETTERS, place)
        if word.isupper() and len(word) > 1:
            return letters.upper()
        return letters.capitalize() if word[0].isupper() else letters

    def _number(self, number: float) -> Any:
        """Return another number with as many digits: zeros stay, the exponent too."""
        mantissa, mark, exponent = repr(number).partition("e")
        if not (significant := re.sub("[^1-9]", "", mantissa)):
            return number  # nothing but zeros
        digits = iter(self._characters(significant, "123456789", mantissa))
        return json.loads(re.sub("[1-9]", lambda _: next(digits), mantissa) + mark + exponent)

    def _characters(self, word: str, alphabet: str, place: str) -> str:
        """Return as many characters of *alphabet* as *word* has: never *word* itself, but for its case."""
        attempt, drawn = 0, word.lower()
        while drawn == word.lower():
            data = self._digest(alphabet, place, attempt, (len(word) + 63) // 64)
            drawn = "".join(alphabet[byte % len(alphabet)] for byte in data[: len(word)])
            attempt += 1
        return drawn

    def _sid(self, sid: str) -> str:
        return sid[:2] + self._digest("sid", sid)[:16].hex()

    def _digest(self, kind: str, text: str, attempt: int = 0, blocks: int = 1) -> bytes:
        data = text.encode("utf-8", "surrogatepass")
        return b"".join(
            blake2b(data + b"%d,%d" % (attempt, block), key=self._key, person=kind.encode()[:16]).digest()
            for block in range(blocks)
        )
