"""Digests, by which state and plan recognise values that they do not contain.

A *plain* digest is fast, so a short value can be found by trying. A sensitive value gets a
*hard* one: scrypt over the plain digest, which depends on lineage and field already and needs no other salt.
With N = 2^14 and r = 8 one costs 16 MiB and about 45 ms of a core, some 25,000 times a plain one: much for
somebody who tries all values, little for the few that a manifest has. More would make a thousand sensitive
messages take many minutes, and a code of four digits would still be found.

As it is made from the plain one, a digest of an older release can be made hard without its value.

Where there is an encryption key, a keyed digest takes the place of scrypt: nobody without the key can try
values, and it costs next to nothing. Its prefix names the key, so that those of earlier keys are recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from msgspec import Struct

SECONDS: Final = 0.045
"""The time for one hard digest, on one core of a usual machine."""
_HARD: Final = "scrypt:"
_N: Final = 2**14
_R: Final = 8
_KEYED: Final = "keyed:"
_MOST_KEPT: Final = 2**16
"""The number of hard digests that are cached, so that each value costs once a run: at most some 20 MB."""


class DigestKey(Struct, frozen=True):
    """A key of digests, made from an encryption key."""

    id: str
    """That of the encryption key."""
    secret: bytes


class Digests:
    """The digests of one history, named by its *lineage*: called with a field's name and its text.

    The first of *keys* makes hard digests, the others recognise older ones.
    """

    __slots__ = ("_keys", "_lineage")

    def __init__(self, lineage: str, keys: tuple[DigestKey, ...] = ()) -> None:
        self._lineage = lineage
        self._keys = keys

    def __call__(self, name: str, value: str) -> str:
        """Return the plain digest: 128 bits, in hex."""
        return field_digest(self._lineage, name, value)

    def of(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the plain digest of each of *values*, texts by field."""
        return {name: self(name, text) for name, text in values.items()}

    def hard(self, digest: str) -> str:
        """Return the hard digest of a plain one; a hard one and an empty text are returned unchanged."""
        if is_hard(digest) or not digest:
            return digest
        return _by_key(self._keys[0], digest) if self._keys else _by_scrypt(digest)

    def like(self, recorded: str, digest: str) -> str:
        """Return the plain *digest* as *recorded* was made: plain, by scrypt, or by one of the keys.

        One of an unknown key is like no other, so an empty text is returned.
        """
        if not is_hard(recorded) or not digest:
            return digest
        if recorded.startswith(_HARD):
            return _by_scrypt(digest)
        made = recorded.split(":")[1]
        return next((_by_key(key, digest) for key in self._keys if key.id == made), "")

    def fits(self, recorded: str | None, name: str, value: str) -> bool:
        """Return whether *recorded* is the digest, plain or hard, of *value* in the field *name*."""
        plain = self(name, value)
        return recorded == plain or (
            recorded is not None and is_hard(recorded) and recorded == self.like(recorded, plain)
        )

    def knows(self, recorded: str) -> bool:
        """Return whether digests like *recorded* can be made: not those of a key that is not given."""
        return not recorded.startswith(_KEYED) or recorded.split(":")[1] in {key.id for key in self._keys}


def is_hard(digest: str) -> bool:
    """Return whether *digest* is a hard one."""
    return digest.startswith((_HARD, _KEYED))


def scheme_of(digest: str) -> str:
    """Return what a digest was made by: its prefix, with the key's id; empty for a plain one."""
    return digest.rpartition(":")[0]


def field_digest(lineage: str, name: str, value: str) -> str:
    """Return the digest, 32 hex digits, of *value* in the field *name* within one lineage."""
    digest = _begun(lineage, name).copy()
    digest.update(value.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _begun(lineage: str, name: str) -> blake2b:
    """Return the digest of that field before its text; a copy takes half the time of a new one."""
    return blake2b(digest_size=16, key=lineage.encode(), person=name.encode()[:16])


def _by_key(key: DigestKey, digest: str) -> str:
    made = blake2b(digest.encode(), digest_size=16, key=key.secret, person=b"keyed digest").hexdigest()
    return f"{_KEYED}{key.id}:{made}"


@lru_cache(maxsize=_MOST_KEPT)
def _by_scrypt(digest: str) -> str:
    from hashlib import scrypt  # noqa: PLC0415  # only where something is sensitive

    return _HARD + scrypt(digest.encode(), salt=b"", n=_N, r=_R, p=1, dklen=16).hex()
