"""Mask our own credentials in replies and errors: a server may repeat the request, header and all."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote, urlsplit

MASK: Final = "***"
"""The text that replaces a credential."""

_SECRET: Final = re.compile(r"(?=.*[^A-Za-z_]).{8,}|.{20,}", re.DOTALL)
"""Anything shorter, or one short word, is no secret of Twilio's, and may well be in the text of a message.

It is hidden only where it is the whole text of an error."""
_ESCAPE: Final = re.compile(r"%[0-9A-F]{2}")


class Mask:
    """Hides the credentials of an HTTP *authorization*, in each form that servers are known to repeat."""

    def __init__(self, authorization: str) -> None:
        secrets = set(_secrets(authorization))
        texts = sorted({form for text in secrets if _SECRET.fullmatch(text) for form in _forms(text)})
        texts.sort(key=len, reverse=True)
        self._needles = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._words = secrets - {""}

    def data(self, data: bytes) -> bytes:
        """Return *data*, a reply, without the credentials."""
        for needle in self._needles:
            if needle in data:
                data = data.replace(needle, MASK.encode())
        return data

    def text(self, text: str) -> str:
        """Return *text* without the credentials."""
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def found_in(self, texts: Mapping[str, str]) -> str | None:
        """Return the name of the first of *texts* that holds a credential, or None."""
        for name, text in texts.items():
            data = text.encode("utf-8", "surrogatepass")
            if any(needle in data for needle in self._needles):
                return name
        return None

    def whole(self, text: str) -> str:
        """Return *text*, that of an error, without the credentials; a short one hides only what equals it."""
        return MASK if text.strip() in self._words else self.text(text)

    def clean(self, error: BaseException) -> None:
        """Mask the credentials in *error* and its causes: a log may print those too."""
        seen: set[int] = set()
        todo: list[BaseException | None] = [error]
        while todo:
            one = todo.pop()
            if one is not None and id(one) not in seen:
                seen.add(id(one))
                one.args = tuple(self.whole(arg) if isinstance(arg, str) else arg for arg in one.args)
                todo += (one.__cause__, one.__context__)


@lru_cache(maxsize=16)
def mask_of(authorization: str) -> Mask:
    """Return the mask for what a request carries in its header `Authorization`; empty if nothing."""
    return Mask(authorization)


def mask_of_pair(username: str, secret: str) -> Mask:
    """Return the mask for a user name and a secret, as HTTP Basic sends them."""
    return mask_of("Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode())


def mask_of_proxy() -> Mask:
    """Return the mask for the user and password in `HTTPS_PROXY`, which only the proxy receives."""
    from urllib.request import getproxies  # noqa: PLC0415 - http.client and email, for failures alone

    address = urlsplit(getproxies().get("https", ""))
    return mask_of_pair(unquote(address.username or ""), unquote(address.password or ""))


def _secrets(authorization: str) -> Iterator[str]:
    """Yield the encoded pair, and the secret in it."""
    _, _, token = authorization.partition(" ")
    yield token.rstrip("=")
    try:
        pair = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    yield pair.partition(":")[2]
    yield base64.urlsafe_b64encode(pair.encode()).decode().rstrip("=")


def _forms(text: str) -> Iterator[str]:
    """Yield a secret as it is, percent-encoded, and as JSON writes both."""
    encoded = {text, quote(text, safe=""), quote(text)}
    encoded |= {_ESCAPE.sub(lambda found: found[0].lower(), one) for one in encoded}
    for one in encoded:
        written = {one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1]}
        yield from written
        yield from (each.replace("/", "\\/") for each in written)
