"""A saved plan: everything that apply needs, in one file.

One JSON object on one line. The seal over the bytes before it tells a plan that was cut off,
damaged or edited: only what was reviewed is ever carried out.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.errors import PlanError
from reconciler.planner.actions import Plan

FORMAT_VERSION: Final = 1
_KIND: Final = "reconciler_plan"
_OPENING: Final = f'{{"kind":"{_KIND}","format_version":'.encode()
_SEAL: Final = b',"seal":"sha256:'
_END: Final = b'"}\n'
_AGAIN: Final = "run `reconciler plan --out FILE` again"


class SavedPlan(Struct, frozen=True, tag=_KIND, tag_field="kind"):
    """A plan and what it is bound to.

    *id* is given by the caller and is what the state records once the plan was used. *created_at*
    is in whole seconds of UTC. *origin* is as in the state; lineage and serial are the plan's.
    """

    format_version: int
    id: str
    reconciler_version: str
    created_at: str
    account_sid: str
    origin: str
    plan: Plan


class _Sniffed(Struct):
    kind: str = ""
    format_version: int = 0
    reconciler_version: str = ""


def is_plan(data: bytes) -> bool:
    """Return whether *data* begins like a saved plan of any release; a few dozen bytes are enough."""
    return data.startswith(_OPENING)


def encode_plan(saved: SavedPlan) -> bytes:
    """Return the bytes of a saved plan; equal plans have equal bytes.

    Raises PlanError for a text that cannot be written as UTF-8.
    """
    try:
        body = msgspec.json.encode(saved)[:-1]
    except UnicodeEncodeError as error:
        raise PlanError(
            f"the plan cannot be saved: a text in it holds half of a surrogate pair ({error.reason})",
            hint="look for `\\ud8…` to `\\udf…` in the manifests, and for file names that are not UTF-8",
        ) from error
    return body + _SEAL + _digest(body) + _END


def decode_plan(data: bytes) -> SavedPlan:
    """Return the plan that `encode_plan` wrote.

    Raises PlanError, which tells apart what is no plan, one of a newer release, and a damaged one.
    """
    if not is_plan(data):
        what = "is empty" if not data.strip() else "is no saved plan"
        raise PlanError(f"the file {what}", hint=f"{_AGAIN}, or name a folder of manifests")
    body, seal, end = data.rpartition(_SEAL)
    version = _sniff(data if not seal else body + b"}")
    if version.format_version > FORMAT_VERSION:
        raise PlanError(
            f"the plan has format {version.format_version} and was made by a newer release "
            f"({version.reconciler_version}); this one reads formats up to {FORMAT_VERSION}",
            hint=f"apply it with that release, or {_AGAIN} with this one",
        )
    if not seal or end != _digest(body) + _END:
        raise PlanError("the plan is damaged, or was edited after it was made", hint=_AGAIN)
    try:
        return msgspec.json.decode(body + b"}", type=SavedPlan)
    except msgspec.DecodeError as error:
        raise PlanError(f"the plan is damaged: {error}", hint=_AGAIN) from error


def _sniff(data: bytes) -> _Sniffed:
    try:
        return msgspec.json.decode(data, type=_Sniffed)
    except msgspec.DecodeError as error:
        raise PlanError(f"the plan is damaged: {error}", hint=_AGAIN) from error


def _digest(body: bytes) -> bytes:
    return sha256(body).hexdigest().encode()
