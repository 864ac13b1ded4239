"""Make one part of a plan, and make one plan of all parts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import asdict, replace

from reconciler._version import __version__
from reconciler.errors import PlanError
from reconciler.model import Desired
from reconciler.model.canonical import canonical_instant
from reconciler.model.shard import Shard
from reconciler.operations.plan import decided
from reconciler.operations.session import Settings, open_session
from reconciler.planner.join import join, preview
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import FORMAT_VERSION, SavedPart, SavedPlan

_AGAIN: Final = "plan all parts again: `reconciler plan --shard I/N --out PART`"


async def make_part(desired: Desired, settings: Settings, options: Options, shard: Shard) -> SavedPart:
    """Return what *desired* needs in the conversations of *shard*; nothing is written.

    Raises UsageError for a state that is not kept by conversation.
    """
    async with open_session(settings, desired) as session:
        made = await decided(session, session.plan_part(desired, options))
        return SavedPart(
            format_version=FORMAT_VERSION,
            shard=shard,
            reconciler_version=__version__,
            created_at=canonical_instant(datetime.now(UTC)),
            account_sid=session.state.account_sid,
            origin=session.state.origin,
            part=replace(made.plan, notes=made.locked),
            environment=settings.environment,
            touched=made.touched,
        )


def plan_of_part(saved: SavedPart) -> Plan:
    """Return what *saved* would do, for people to read: it is not judged, and nothing can apply it."""
    return preview(saved.part, str(saved.shard))


def merge_parts(parts: Mapping[str, SavedPart]) -> SavedPlan:
    """Return the plan of *parts*, by the name of their file; the guards have judged it.

    Raises PlanError unless they are all parts of one plan, each once.
    """
    names, saved = list(parts), list(parts.values())
    _require_all(parts)
    for name, one in parts.items():
        for what, first, other in _differences(saved[0], one):
            raise PlanError(f"`{names[0]}` and `{name}` were made {what}: {first} and {other}", hint=_AGAIN)
    in_order = sorted(saved, key=lambda one: one.shard.index)
    return SavedPlan(
        format_version=FORMAT_VERSION,
        id=os.urandom(16).hex(),
        reconciler_version=__version__,
        created_at=canonical_instant(datetime.now(UTC)),
        account_sid=saved[0].account_sid,
        origin=saved[0].origin,
        plan=join([one.part for one in in_order]),
        destroy=saved[0].part.options.destroy,
        environment=saved[0].environment,
        touched={place: digest for one in in_order for place, digest in one.touched.items()},
    )


def _require_all(parts: Mapping[str, SavedPart]) -> None:
    """Raise PlanError unless *parts* are I/N for every I from 1 to one N, each once."""
    first_name, first = next(iter(parts.items()))
    count = first.shard.count
    found: dict[int, str] = {}
    for name, one in parts.items():
        if one.shard.count != count:
            raise PlanError(
                f"`{first_name}` is part {first.shard}, and `{name}` is part {one.shard}",
                hint="name the parts of one plan alone",
            )
        if one.shard.index in found:
            raise PlanError(
                f"`{found[one.shard.index]}` and `{name}` are both part {one.shard}",
                hint="name each part once",
            )
        found[one.shard.index] = name
    missing = [str(Shard(index, count)) for index in range(1, count + 1) if index not in found]
    if missing:
        some = f"part {missing[0]} is" if len(missing) == 1 else f"parts {', '.join(missing)} are"
        raise PlanError(
            f"{some} missing",
            hint=f"make it with `reconciler plan --shard {missing[0]} --out PART`, and name it too",
        )


def _differences(one: SavedPart, other: SavedPart) -> Sequence[tuple[str, object, object]]:
    """Return in which ways two parts are not of one plan: how they were made, and what each of them says."""
    values = (
        ("by different releases", one.reconciler_version, other.reconciler_version),
        ("for different accounts", one.account_sid, other.account_sid),
        ("for different endpoints", one.origin, other.origin),
        ("in different environments", one.environment or "none", other.environment or "none"),
        ("for different states (lineage)", one.part.lineage, other.part.lineage),
        ("from different manifests", one.part.manifest_digest, other.part.manifest_digest),
        ("with different options", *_options(one.part.options, other.part.options)),
    )
    return [value for value in values if value[1] != value[2]]


def _options(one: Options, other: Options) -> tuple[str, str]:
    """Return in words the options in which *one* and *other* differ, for each of them; equal if none."""
    pairs = zip(asdict(one).items(), asdict(other).values(), strict=True)
    differing = [(name, value, another) for (name, value), another in pairs if value != another]
    first = ", ".join(f"{_flag(name)} {value}" for name, value, _ in differing)
    return first, ", ".join(f"{_flag(name)} {value}" for name, _, value in differing)


def _flag(name: str) -> str:
    names = {"targets": "target", "excludes": "exclude"}
    return f"`--{names.get(name, name).replace('_', '-')}`"
