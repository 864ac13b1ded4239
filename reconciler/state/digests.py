"""Digests by which state and plan recognise values that they do not hold.

A *plain* digest is made at once, so whoever has it finds a short value by trying. A sensitive value gets a
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
"""What one hard digest takes, on one core of a usual machine."""
_HARD: Final = "scrypt:"
_N: Final = 2**14
_R: Final = 8
_MOST_KEPT: Final = 2**16
"""How many hard digests are remembered, so that each value costs once a run: at most some 20 MB."""


class Digests:
    """The digests of one history, named by its *lineage*: called with a field's name and its text."""

    __slots__ = ("_lineage",)

    def __init__(self, lineage: str) -> None:
        self._lineage = lineage

    def __call__(self, name: str, value: str) -> str:
        """Return the plain digest: 128 bits, in hex."""
        return field_digest(self._lineage, name, value)

    def hard(self, digest: str) -> str:
        """Return the hard digest for a plain one; a hard one and an empty text stay as they are."""
        return digest if is_hard(digest) or not digest else _by_scrypt(digest)

    def fits(self, recorded: str | None, name: str, value: str) -> bool:
        """Return whether *recorded* is the digest, plain or hard, of *value* in the field *name*."""
        plain = self(name, value)
        return recorded == plain or (
            recorded is not None and is_hard(recorded) and recorded == self.hard(plain)
        )


def is_hard(digest: str) -> bool:
    """Return whether *digest* is slow to try values against."""
    return digest.startswith(_HARD)


def field_digest(lineage: str, name: str, value: str) -> str:
    """Return 32 hex digits that stand for *value* in the field *name* within one lineage."""
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
