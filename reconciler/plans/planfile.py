"""A saved plan: everything that apply needs, in one file.

One JSON object on one line. The checksum over the bytes before it finds a plan that was cut off or
damaged. It has no key, so it proves nothing about who wrote the file.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from reconciler.errors import PlanError
from reconciler.plans.plan import Plan
from reconciler.text.foreign import json_fault

FORMAT_VERSION: Final = 2


_KIND: Final = "reconciler_plan"


_OPENING: Final = f'{{"kind":"{_KIND}","format_version":'.encode()


_SEAL: Final = b',"seal":"sha256:'


_END: Final = b'"}\n'


T = TypeVar("T")


AGAIN: Final = "run `reconciler plan --out FILE` again"


class SavedPlan(Struct, frozen=True, tag=_KIND, tag_field="kind"):
    """A plan, and what it may be applied to."""

    format_version: int
    """The version of the format of the file."""
    id: str
    """128 random bits in hex, which the state records once the plan is applied."""
    reconciler_version: str
    """The release that made it."""
    created_at: str
    """When it was made, in whole seconds of UTC."""
    account_sid: str
    """The account that it is for."""
    origin: str
    """The API that it is for, as in the state."""
    plan: Plan
    """The plan, which names the lineage and serial of its state."""
    destroy: bool = False
    """Whether it was made for `destroy`."""
    environment: str = ""
    """The environment that it is for; empty for none."""


class _Sniffed(Struct):
    kind: str = ""
    format_version: int = 0
    reconciler_version: str = ""


def is_plan(data: bytes) -> bool:
    """Return whether *data* begins like a saved plan of any release; a few dozen bytes are enough."""
    return data.startswith(_OPENING)


def encode_plan(saved: SavedPlan) -> bytes:
    """Return the bytes of a saved plan; equal plans have equal bytes."""
    try:
        body = msgspec.json.encode(saved)[:-1]
    except UnicodeEncodeError:  # a live text contains half a surrogate pair, which json can escape
        body = json.dumps(msgspec.to_builtins(saved), separators=(",", ":")).encode()[:-1]
    return body + _SEAL + _digest(body) + _END


def decode_plan(data: bytes) -> SavedPlan:
    """Return the plan that `encode_plan` wrote.

    Raises PlanError, which tells apart what is no plan, one of a newer release, and a damaged one.
    """
    if not is_plan(data):
        what = "is empty" if not data.strip() else "is no saved plan"
        raise PlanError(f"the file {what}", hint=f"{AGAIN}, or name a folder of manifests")
    body, seal, end = data.rpartition(_SEAL)
    version = _sniff(data if not seal else body + b"}")
    if version.format_version > FORMAT_VERSION:
        raise PlanError(
            f"the plan has format {version.format_version} and was made by a newer release "
            f"({version.reconciler_version}); this one reads formats up to {FORMAT_VERSION}",
            hint=f"apply it with that release, or {AGAIN} with this one",
        )
    if 0 < version.format_version < FORMAT_VERSION:
        raise PlanError(
            f"the plan was made by an older release ({version.reconciler_version}): it does not say "
            "what this one checks before it applies a plan",
            hint=f"{AGAIN} with this release",
        )
    if not seal or end != _digest(body) + _END:
        raise PlanError("the plan is damaged: its checksum is not that of its content", hint=AGAIN)
    return _decoded(body + b"}", SavedPlan)


def _sniff(data: bytes) -> _Sniffed:
    return _decoded(data, _Sniffed)


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            return msgspec.convert(json.loads(data), kind)
        except (ValueError, RecursionError):
            raise PlanError(f"the plan is damaged: {json_fault(data, error)}", hint=AGAIN) from error


def _digest(body: bytes) -> bytes:
    return sha256(body).hexdigest().encode()
