"""Encryption keys: from the environment alone, as text or from a command that prints it."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.state.digests import DigestKey

VARIABLE: Final = "RECONCILER_ENCRYPTION_KEY"
COMMAND: Final = "RECONCILER_ENCRYPTION_KEY_COMMAND"
_BYTES: Final = 32
_SECONDS: Final = 60
"""The time limit of the command that prints keys."""


class Key(Struct, frozen=True):
    """One key; its `repr` does not show it."""

    secret: bytes
    """32 random bytes."""

    @property
    def id(self) -> str:
        """Eight hex digits that tell keys apart and tell nothing about them."""
        return blake2b(self.secret, digest_size=4, person=b"key id").hexdigest()

    def __repr__(self) -> str:
        return f"Key({self.id})"


class Keys(Struct, frozen=True):
    """The keys of one run: the first seals, all open."""

    keys: tuple[Key, ...] = ()
    is_required: bool = False
    """Whether clear files are refused."""

    def __bool__(self) -> bool:
        return bool(self.keys)

    @property
    def of_digests(self) -> tuple[DigestKey, ...]:
        """The keys of digests that are made from these."""
        return tuple(
            DigestKey(one.id, blake2b(one.secret, digest_size=32, person=b"digest key").digest())
            for one in self.keys
        )


NO_KEYS: Final = Keys()


def keys_of(environ: Mapping[str, str], *, is_required: bool = False) -> Keys:
    """Return the keys that *environ* names; its command runs once in a process.

    Raises UsageError, which shows no key, for a malformed one, for a command that fails, and if keys are
    required and there are none.
    """
    text, command = environ.get(VARIABLE, ""), environ.get(COMMAND, "")
    if text and command:
        raise UsageError(f"{VARIABLE} and {COMMAND} are both set", hint="unset one of them")
    source = COMMAND if command else VARIABLE
    text = _printed(command) if command else text
    keys = tuple(_key(one.strip(), source) for one in text.split(",")) if text.strip() else ()
    if is_required and not keys:
        raise UsageError("encryption is required, and no key is given", hint=f"set {VARIABLE}, or {COMMAND}")
    return Keys(keys, is_required)


def generate() -> str:
    """Return a new key as text."""
    return b64encode(os.urandom(_BYTES)).decode()


def _key(text: str, source: str) -> Key:
    try:
        secret = b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != _BYTES:
        raise UsageError(
            f"{source} gives no key: a key is {_BYTES} bytes in base64, and several have commas between",
            hint="`reconciler state rekey --generate` prints one",
        )
    return Key(secret)


@cache
def _printed(command: str) -> str:
    """Return what *command* prints; no shell reads it."""
    import shlex  # noqa: PLC0415 - few runs have a command
    import subprocess  # noqa: PLC0415

    try:
        ran = subprocess.run(  # noqa: S603 - the environment of the user names it
            shlex.split(command), capture_output=True, check=True, timeout=_SECONDS, text=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        why = (
            f"it exits with {error.returncode}"
            if isinstance(error, subprocess.CalledProcessError)
            else (
                f"it takes more than {_SECONDS} s"
                if isinstance(error, subprocess.TimeoutExpired)
                else "it cannot be run"
            )
        )
        raise UsageError(f"the command in {COMMAND} gives no key: {why}", hint="run it by hand") from None
    return ran.stdout.strip()
