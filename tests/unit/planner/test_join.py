"""One plan of many parts: equal to that of one machine, and judged as a whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from reconciler.errors import PlanError
from reconciler.model import Desired
from reconciler.model.shard import Shard
from reconciler.operations.session import open_session
from reconciler.planner.join import join, preview
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.plans.plan import Plan
from reconciler.report.json import plan_document
from reconciler.report.markdown import plan_markdown
from reconciler.report.text import render_plan
from tests.support import rich_world
from tests.support.desk import Desk

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
COUNTS = (1, 2, 7)
OPTIONS = {
    "plain": Options(),
    "recording": Options(record=True),
    "destroy": Options(destroy=True),
    "replace": Options(replace=("support/room-3", "support/room-4/a", "support/nowhere/x")),
    "reset": Options(reset=True),
    "refresh-only": Options(refresh_only=True),
    "adopt": Options(adopt=True),
    "target": Options(targets=("support/room-1*", "fresh", "support/strict/c", "nothing/*")),
    "exclude": Options(excludes=("support/room-1*", "sales/lead-1/a", "fresh")),
    "limits": Options(max_delete=3, allow_recreate=True),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Desired]]:
    """A desk with a rich world, and the manifests to plan."""
    with Desk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk, desk.desired(rich_world.make(desk))


def part_of(desk: Desk, desired: Desired, options: Options, shard: Shard | None) -> Part:
    """Return what one machine decides; *shard* None is the only one."""
    settings = msgspec.structs.replace(desk.settings(), now=lambda: NOW, shard=shard)

    async def work() -> Part:
        async with open_session(settings, desired, read_only=True) as session:
            await session.settle(0)
            return await session.plan_part(desired, options)

    return asyncio.run(work())


def parts_of(desk: Desk, desired: Desired, options: Options, count: int) -> list[Part]:
    """Return what *count* machines decide, as each would save it."""
    parts = (part_of(desk, desired, options, Shard(index + 1, count)) for index in range(count))
    return [msgspec.json.decode(msgspec.json.encode(part), type=Part) for part in parts]


def reports(plan: Plan, desired: Desired) -> dict[str, Any]:
    """Return a plan in all formats, without the number of requests."""
    document: dict[str, Any] = json.loads(
        json.dumps(plan_document(plan, timestamp="", version="", desired=desired))
    )
    requests = document.pop("requests")
    assert requests["read"] > 0
    bare = msgspec.structs.replace(plan, requests_read=0)
    return {"json": document, "text": render_plan(bare), "markdown": plan_markdown(bare)}


@pytest.mark.parametrize(
    ("name", "count"),
    [(name, count) for name in ("plain", "destroy", "reset", "refresh-only", "target") for count in COUNTS]
    + [(name, 7) for name in ("recording", "replace", "adopt", "exclude", "limits")],
)
def test_the_plan_of_many_machines_is_that_of_one(world: tuple[Desk, Desired], name: str, count: int) -> None:
    """In every format, whatever is asked for."""
    desk, desired = world
    whole = join([part_of(desk, desired, OPTIONS[name], None)])

    merged = join(parts_of(desk, desired, OPTIONS[name], count))

    assert whole.changes_anything
    assert reports(merged, desired) == reports(whole, desired)


def test_the_world_has_something_of_everything(world: tuple[Desk, Desired]) -> None:
    """Else the equality says little."""
    desk, desired = world

    plan = join([part_of(desk, desired, Options(), None)])

    assert {str(action.verb) for action in plan.actions} == {
        "create", "update", "replace", "delete", "move", "adopt", "forget",
    }  # fmt: skip
    assert {str(action.reason) for action in plan.actions} >= {
        "not_in_state", "missing_remotely", "changed_in_manifest", "drifted", "order",
        "removed_from_manifest", "unmanaged", "renamed", "requested",
    }  # fmt: skip
    assert {warning.code for warning in plan.warnings} >= {
        "ended", "webhooks_on", "unknown_author", "date_in_future", "dates_out_of_order", "json_in_quotes",
        "revives", "order_price", "order_not_met", "parent_kept",
    }  # fmt: skip
    assert [refusal.code for refusal in plan.refusals] == ["deletes_parent"]
    deleted = [one.address for one in plan.actions if one.verb == "delete" and "/" not in one.address]
    forgotten = [one.address for one in plan.actions if one.verb == "forget" and "/" not in one.address]
    assert (deleted, forgotten) == (["sales"], ["archive"])


def test_deletions_that_are_too_many_only_in_sum_are_refused(world: tuple[Desk, Desired]) -> None:
    """Each part alone is within the limit, and no part is judged by itself."""
    desk, desired = world
    tallies = [
        [piece.tally.lost for piece in part.conversations if piece.tally is not None]
        for part in parts_of(desk, desired, Options(), 7)
    ]
    limit = max(map(sum, tallies))
    assert 0 < limit < sum(map(sum, tallies))

    parts = parts_of(desk, desired, Options(max_delete=limit), 7)

    for number, part in enumerate(parts, start=1):
        alone = preview(part, f"{number}/7")
        assert not alone.refusals
        assert not alone.applyable
    (refusal,) = join(parts).refusals
    assert refusal.code == "max_delete"
    assert f"(limit: {limit})" in refusal.text


def test_parts_that_saw_different_services_are_not_joined(world: tuple[Desk, Desired]) -> None:
    """A service that was made between two parts would be created by one of them alone."""
    desk, desired = world
    first, second = parts_of(desk, desired, Options(), 2)
    services = tuple(
        msgspec.structs.replace(one, actions=()) if one.address == "fresh" else one for one in second.services
    )

    with pytest.raises(PlanError, match="the parts saw `fresh` in different states"):
        join([first, msgspec.structs.replace(second, services=services)])
