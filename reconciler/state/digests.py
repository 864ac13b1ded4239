"""Digests, by which state and plan recognise values that they do not contain.

A *plain* digest is fast, so a short value can be found by trying. A sensitive value gets a
*hard* one: scrypt over the plain digest, which depends on lineage and field already and needs no other salt.
With N = 2^14 and r = 8 one costs 16 MiB and about 45 ms of a core, some 25,000 times a plain one: much for
somebody who tries all values, little for the few that a manifest has. More would make a thousand sensitive
messages take many minutes, and a code of four digits would still be found.

As it is made from the plain one, a digest of an older release can be made hard without its value. A key, once
there is one, takes the place of scrypt in `Digests.hard` and gets a prefix of its own.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final

SECONDS: Final = 0.045
"""The time for one hard digest, on one core of a usual machine."""
_HARD: Final = "scrypt:"
_N: Final = 2**14
_R: Final = 8
_MOST_KEPT: Final = 2**16
"""The number of hard digests that are cached, so that each value costs once a run: at most some 20 MB."""


class Digests:
    """The digests of one history, named by its *lineage*: called with a field's name and its text."""

    __slots__ = ("_lineage",)

    def __init__(self, lineage: str) -> None:
        self._lineage = lineage

    def __call__(self, name: str, value: str) -> str:
        """Return the plain digest: 128 bits, in hex."""
        return field_digest(self._lineage, name, value)

    def hard(self, digest: str) -> str:
        """Return the hard digest of a plain one; a hard one and an empty text are returned unchanged."""
        return digest if is_hard(digest) or not digest else _by_scrypt(digest)

    def fits(self, recorded: str | None, name: str, value: str) -> bool:
        """Return whether *recorded* is the digest, plain or hard, of *value* in the field *name*."""
        plain = self(name, value)
        return recorded == plain or (
            recorded is not None and is_hard(recorded) and recorded == self.hard(plain)
        )


def is_hard(digest: str) -> bool:
    """Return whether *digest* is a hard one."""
    return digest.startswith(_HARD)


def field_digest(lineage: str, name: str, value: str) -> str:
    """Return the digest, 32 hex digits, of *value* in the field *name* within one lineage."""
    return blake2b(
        value.encode("utf-8", "surrogatepass"),
        digest_size=16,
        key=lineage.encode(),
        person=name.encode()[:16],
    ).hexdigest()


@lru_cache(maxsize=_MOST_KEPT)
def _by_scrypt(digest: str) -> str:
    from hashlib import scrypt  # noqa: PLC0415  # only where something is sensitive

    return _HARD + scrypt(digest.encode(), salt=b"", n=_N, r=_R, p=1, dklen=16).hex()
