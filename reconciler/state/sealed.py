"""Sealed files: AES-GCM, with a key of its own for each file.

A sealed file is a line of JSON, the header, and what is sealed. The header names what the file is (its place,
lineage and serial) and 32 random bytes, from which HKDF makes the file's key out of one of ours. Every record
is sealed with its number as the counter and with the header as associated data. So a record that was changed,
moved to another number, or put behind another header is refused; and a header that says something else than
where it was found is refused by whoever reads it. A whole older file is not noticed by this.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reconciler.errors import ReconcilerError, StateError, UsageError
from reconciler.state.keys import VARIABLE, Key, Keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIGN: Final = b'{"reconciler_sealed":'
"""How every sealed file begins."""
_VERSION: Final = 1
_SALT: Final = 32


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a sealed file."""

    reconciler_sealed: int
    """The version of this format."""
    place: str
    """What it is: `state`, `journal`, `plan`, or the name of an object."""
    lineage: str
    """The history that it belongs to; empty for an object, which says so inside."""
    serial: int
    """That of the state, or of the state that a plan was made at; 0 for an object."""
    key: str
    """The id of the key."""
    salt: str
    """32 random bytes in base64."""


class Seal:
    """Seals the records of one new file, in their order."""

    def __init__(self, keys: Keys, place: str, *, lineage: str = "", serial: int = 0) -> None:
        key, salt = keys.keys[0], os.urandom(_SALT)
        header = Header(_VERSION, place, lineage, serial, key.id, b64encode(salt).decode())
        self.header = msgspec.json.encode(header) + b"\n"
        """The first line."""
        self._cipher = _cipher(key, salt)
        self._count = 0

    def record(self, data: bytes) -> bytes:
        """Return the next record, sealed."""
        self._count += 1
        return self._cipher.encrypt(_nonce(self._count - 1), data, self.header)

    def line(self, data: bytes) -> bytes:
        """Return the next record as a line."""
        return b64encode(self.record(data)) + b"\n"


class Opened:
    """Opens the records of one file."""

    def __init__(self, data: bytes, keys: Keys, where: str, *, place: str, refuse: Refusal) -> None:
        """Read the header of *data*; raises what *refuse* makes if it is of another place, or no key fits."""
        line, end, self.rest = data.partition(b"\n")
        """Everything behind the header."""
        self._line, self._where, self._refuse = line + end, where, refuse
        try:
            header = msgspec.json.decode(line, type=Header)
            salt = b64decode(header.salt, validate=True)
        except (msgspec.DecodeError, ValueError) as error:
            raise self.damaged() from error
        if header.reconciler_sealed > _VERSION:
            raise refuse.error(f"`{where}` was sealed by a newer release", hint="upgrade reconciler")
        if header.place != place:
            raise refuse.error(
                f"`{where}` is sealed as `{header.place[:100]}`, and is no {place}", hint=refuse.damaged
            )
        key = next((one for one in keys.keys if one.id == header.key), None)
        if key is None:
            if not keys:
                given = "no key is given"
            else:
                given = f"none of the keys given is that one ({', '.join(one.id for one in keys.keys)})"
            raise refuse.error(
                f"`{where}` is encrypted with key {header.key[:16]}, and {given}",
                hint=f"set {VARIABLE} to it. If the key is lost, {refuse.lost}",
            )
        self.header = header
        self._cipher = _cipher(key, salt)

    def record(self, number: int, sealed: bytes) -> bytes:
        """Return record *number*, from 0; raises an error if it is not what was sealed as that."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            return self._cipher.decrypt(_nonce(number), sealed, self._line)
        except (InvalidTag, ValueError) as error:
            raise self.damaged() from error

    def line(self, number: int, line: bytes) -> bytes:
        """Return record *number* of a file of lines; raises an error as `record` does."""
        try:
            return self.record(number, b64decode(line, validate=True))
        except ValueError as error:
            raise self.damaged() from error

    def damaged(self) -> ReconcilerError:
        """Return the error for a file that is not what was sealed."""
        return self._refuse.error(
            f"`{self._where}` is damaged or was changed: it is not what was sealed", hint=self._refuse.damaged
        )


class Refusal(Struct, frozen=True):
    """The errors about one kind of file."""

    error: type[ReconcilerError]
    """Their class."""
    damaged: str
    """What to do about a damaged file."""
    lost: str
    """What can still be done without the key."""


OF_A_STATE: Final = Refusal(
    StateError,
    damaged="put back a good copy; the damaged file was left as it is",
    lost="move the state away: `reconciler plan --adopt` finds by their texts the messages that are live",
)
OF_A_JOURNAL: Final = Refusal(
    StateError,
    damaged="put back a good copy of it; or move it away, and the next `plan` looks up what was in flight",
    lost="move it away, and the next `plan` looks up what was in flight",
)


def is_sealed(data: bytes) -> bool:
    """Return whether *data* begins like a sealed file; a few dozen bytes are enough."""
    return data.startswith(SIGN)


def is_sealed_with(data: bytes, keys: Keys) -> bool:
    """Return whether *data* begins like a file that was sealed with the first of *keys*."""
    try:
        return msgspec.json.decode(data.partition(b"\n")[0], type=Header).key == keys.keys[0].id
    except msgspec.DecodeError:
        return False


def is_sealed_plan(data: bytes) -> bool:
    """Return whether *data* begins like a sealed plan; a few dozen bytes are enough."""
    return is_sealed(data) and b'"place":"plan"' in data


def seal(data: bytes, keys: Keys, place: str, *, lineage: str = "", serial: int = 0) -> bytes:
    """Return a sealed file of one record, *data*."""
    made = Seal(keys, place, lineage=lineage, serial=serial)
    return made.header + made.record(data)


def unseal(data: bytes, keys: Keys, where: str, *, place: str, refuse: Refusal) -> tuple[Header, bytes]:
    """Return the header of a sealed file of one record, and that record.

    Raises what *refuse* makes, if the file is damaged, was sealed as something else, or no key opens it.
    """
    opened = Opened(data, keys, where, place=place, refuse=refuse)
    return opened.header, opened.record(0, opened.rest)


def require_sealed(keys: Keys, where: str, refuse: Refusal) -> None:
    """Raise what *refuse* makes about the clear file *where* if clear files are refused."""
    if keys.is_required:
        raise refuse.error(
            f"`{where}` is not encrypted, and encryption is required",
            hint="to encrypt a state that is known good, run `reconciler state rekey` without that option",
        )


def unsealed_lines(data: bytes, keys: Keys, where: str) -> list[bytes]:
    """Return the records of a sealed journal, without a torn last one, that a crash left.

    A line counts once its newline is there. One that is whole and does not open is damage, unless it has
    bytes that were never written, which are zero.
    """
    opened = Opened(data, keys, where, place="journal", refuse=OF_A_JOURNAL)
    *lines, torn = opened.rest.split(b"\n")
    if lines and not torn and b"\0" in lines[-1]:
        lines.pop()
    good = [opened.line(number, line) for number, line in enumerate(lines)]
    if _is_whole(opened, len(lines), torn[:-1]):
        raise opened.damaged()
    return good


def _is_whole(opened: Opened, number: int, line: bytes) -> bool:
    """Return whether a line without its newline is a whole record: then that newline was changed."""
    try:
        opened.line(number, line)
    except ReconcilerError:
        return False
    return True


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _cipher(key: Key, salt: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "encryption needs a package that is not installed",
            hint='install the extra: `pip install "conversations-reconciler[encryption] @ …"`',
        ) from error
    return AESGCM(HKDF(SHA256(), 32, salt, b"reconciler sealed 1").derive(key.secret))
