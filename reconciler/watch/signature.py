"""Whether a webhook comes from Twilio: its signature, and whether it was seen before.

The signature is the base64 of an HMAC-SHA1, keyed by the auth token of the account, over the public URL and
the parameters: each name and value, sorted by name (Twilio's reference on the security of webhooks). No date
is signed, so a call that is sent again looks like the first; the signatures that were seen are remembered.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"https": 443, "http": 80}
_REMEMBERED: Final = 10_000
"""How many signatures are remembered."""


class Signatures:
    """Checks the signatures of calls to *url*, the public address that Twilio was given."""

    def __init__(self, url: str, token: str) -> None:
        self._urls = _spellings(url)
        self._token = token.encode()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def is_genuine(self, signature: str, parameters: Iterable[tuple[str, str]]) -> bool:
        """Return whether *signature* is that of a call with these *parameters*."""
        pairs = sorted(set(parameters))
        text = "".join(name + value for name, value in pairs)
        given = signature.encode("utf-8", "surrogateescape")
        matches = [hmac.compare_digest(given, self._signature(url + text)) for url in self._urls]
        return any(matches)

    def is_new(self, signature: str) -> bool:
        """Return whether a call with this genuine *signature* was not seen before, and remember it."""
        if signature in self._seen:
            self._seen.move_to_end(signature)
            return False
        self._seen[signature] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def _signature(self, text: str) -> bytes:
        return b64encode(hmac.digest(self._token, text.encode("utf-8", "surrogatepass"), "sha1"))


def _spellings(url: str) -> tuple[str, ...]:
    """Return *url* with and without the default port: senders differ in which of them they sign."""
    parts = urlsplit(url)
    port = _PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if parts.port not in (None, port):
        return (url,)
    without, given = parts._replace(netloc=host), parts._replace(netloc=f"{host}:{port}")
    return (without.geturl(), given.geturl())
