"""A saved plan, or a part of one: everything that apply, or `plan merge`, needs, in one file.

One JSON object on one line. The checksum over the bytes before it finds a plan that was cut off or
damaged. It has no key, so it proves nothing about who wrote the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from reconciler.errors import PlanError
from reconciler.model import Address, is_well_formed
from reconciler.model.shard import Shard
from reconciler.plans.actions import Action
from reconciler.plans.part import Part
from reconciler.plans.plan import Plan
from reconciler.text.foreign import json_fault
from reconciler.text.words import cut

FORMAT_VERSION: Final = 2


_KIND: Final = "reconciler_plan"


_PART_KIND: Final = "reconciler_plan_part"


_OPENINGS: Final = tuple(f'{{"kind":"{kind}","format_version":'.encode() for kind in (_KIND, _PART_KIND))


_SEAL: Final = b',"seal":"sha256:'


_END: Final = b'"}\n'


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
    touched: dict[Address, str] = {}
    """By conversation or service that it changes, the digest of what the state had recorded of it.

    It is empty for a state that is kept as a whole, which is compared by its serial.
    """


class SavedPart(Struct, frozen=True, tag=_PART_KIND, tag_field="kind"):
    """What one machine of several decided. It is no plan, and nothing can apply it."""

    format_version: int
    """The version of the format of the file."""
    shard: Shard
    """Which part it is, and of how many."""
    reconciler_version: str
    """The release that made it."""
    created_at: str
    """When it was made, in whole seconds of UTC."""
    account_sid: str
    """The account that it is for."""
    origin: str
    """The API that it is for, as in the state."""
    part: Part
    """What was decided."""
    environment: str = ""
    """The environment that it is for; empty for none."""
    touched: dict[Address, str] = {}
    """As `SavedPlan.touched`."""


Saved: TypeAlias = SavedPlan | SavedPart


class _Sniffed(Struct):
    kind: str = ""
    format_version: int = 0
    reconciler_version: str = ""


def is_plan(data: bytes) -> bool:
    """Return whether *data* begins like a saved plan or part of any release; a few dozen bytes are enough."""
    return data.startswith(_OPENINGS)


def encode_plan(saved: Saved) -> bytes:
    """Return the bytes of a saved plan or part; equal ones have equal bytes."""
    try:
        body = msgspec.json.encode(saved)[:-1]
    except UnicodeEncodeError:  # a live text contains half a surrogate pair, which json can escape
        body = json.dumps(msgspec.to_builtins(saved), separators=(",", ":")).encode()[:-1]
    return body + _SEAL + _digest(body) + _END


def decode_plan(data: bytes) -> SavedPlan:
    """Return the plan that `encode_plan` wrote; raises PlanError as `decode_saved` does, and for a part."""
    return require_plan(decode_saved(data))


def require_plan(saved: Saved) -> SavedPlan:
    """Return *saved*; raises PlanError if it is a part, and says how to make a plan of it."""
    if isinstance(saved, SavedPart):
        raise PlanError(
            f"the file is part {saved.shard} of a plan, which can only be judged and applied as a whole",
            hint="join all parts: `reconciler plan merge PART… --out PLAN`, and apply that",
        )
    return saved


def decode_saved(data: bytes) -> Saved:
    """Return the plan or part that `encode_plan` wrote.

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
    saved: Saved = _decoded(body + b"}", Saved)
    places = _places(saved.plan) if isinstance(saved, SavedPlan) else _places_in_part(saved.part)
    address = next((one for one in places if not is_well_formed(one)), None)
    if address is not None:
        from reconciler.text.inert import escape  # noqa: PLC0415 - only damaged plans need it

        raise PlanError(f"the plan is damaged: `{escape(cut(address))}` is no address", hint=AGAIN)
    return saved


def _places(plan: Plan) -> Iterator[Address]:
    """Yield the addresses of *plan*; one that is malformed would have no type."""
    for action in chain(plan.actions, plan.drifted):
        yield from _named(action)
    yield from (parent.address for parent in plan.parents)
    yield from (record.address for record in plan.records)
    yield from (intent.address for intent, _ in plan.settlements)
    yield from chain(plan.unordered, plan.sids, plan.seen, plan.hidden)


def _places_in_part(part: Part) -> Iterator[Address]:
    """Yield the addresses of *part*."""
    for action in chain(part.actions, part.drifted or ()):
        yield from _named(action)
    for piece in part.pieces:
        yield piece.address
        for record in piece.records:
            yield record.address
    yield from (record.address for record in part.drift_records)
    yield from (intent.address for intent, _ in part.settlements)
    yield from chain(part.sids, part.hidden, part.veiled, part.unknown)


def _named(action: Action) -> Iterator[Address]:
    yield action.address
    yield from action.awaits
    if action.previous_address is not None:
        yield action.previous_address


def _sniff(data: bytes) -> _Sniffed:
    sniffed: _Sniffed = _decoded(data, _Sniffed)
    return sniffed


def _decoded(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            return msgspec.convert(json.loads(data), kind)
        except (ValueError, RecursionError):
            raise PlanError(f"the plan is damaged: {json_fault(data, error)}", hint=AGAIN) from error


def _digest(body: bytes) -> bytes:
    return sha256(body).hexdigest().encode()
