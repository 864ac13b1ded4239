"""Saved plans on a state that is kept by group: what one conversation's plan rests on, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import PlanError
from reconciler.model import group_of
from reconciler.plans.outcome import Status
from reconciler.state.stores.grouped import ALL
from tests.support.blobs import Objects
from tests.support.desk import Desk, conversation, statuses, together

TWIN = next(f"t{number}" for number in range(1000) if group_of(f"desk/t{number}") == group_of("desk/c"))
"""A conversation of the group of `c`."""
OTHER = "other"


@pytest.fixture(params=[TWIN, OTHER])
def beside(request: pytest.FixtureRequest) -> str:
    """A conversation beside `c`, in its group or in another."""
    name: str = request.param
    return name


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator with nothing in it, and no state yet."""
    with Desk(tmp_path, there=Objects(), groups=ALL) as made:
        yield made


def both(mine: tuple[str, ...], beside: str, others: tuple[str, ...]) -> str:
    """Return a manifest of `c` and the conversation *beside* it."""
    return together(conversation(*mine), conversation(*others, name=beside))


def test_a_plan_of_one_conversation_does_not_rest_on_another(desk: Desk, beside: str) -> None:
    """It is applied once; a second time it is refused."""
    desk.apply(both(("a: 1",), beside, ("a: 1",)))
    saved = desk.save(both(("a: 1", "b: 2"), beside, ("a: 1",)))
    desk.apply(both(("a: 1",), beside, ("a: 1", "b: 2")))

    desk.apply_saved(saved)

    assert (desk.bodies("c"), desk.bodies(beside)) == (["1", "2"], ["1", "2"])
    with pytest.raises(PlanError, match="applied already"):
        desk.apply_saved(saved)
    assert desk.bodies("c") == ["1", "2"]


def test_a_plan_rests_on_all_that_is_recorded_of_its_own_conversation(desk: Desk, beside: str) -> None:
    """Also where the message that it changes is still as it was."""
    desk.apply(both(("a: 1",), beside, ("a: 1",)))
    saved = desk.save(both(("a: 2",), beside, ("a: 1",)))
    desk.apply(both(("a: 1", "b: 2"), beside, ("a: 1",)))

    with pytest.raises(PlanError, match="stale plan: `desk/c` is not as it was"):
        desk.apply_saved(saved)
    assert desk.bodies("c") == ["1", "2"]


def test_a_plan_that_was_made_without_a_state_begins_it(desk: Desk, beside: str) -> None:
    """And only it: what somebody else began since is another state."""
    saved = desk.save(both(("a: 1",), beside, ("a: 1",)))
    desk.apply_saved(saved)
    assert (desk.bodies("c"), desk.bodies(beside)) == (["1"], ["1"])
    with pytest.raises(PlanError, match="applied already"):
        desk.apply_saved(saved)


def test_a_plan_that_is_not_done_goes_on(desk: Desk, beside: str) -> None:
    """What it has done is not done again, in whichever group."""
    desk.apply(both(("a: 1",), beside, ("a: 1",)))
    wanted = tuple(f"m{number}: {number}" for number in range(12))
    saved = desk.save(both(("a: 1", *wanted), beside, ("a: 1", *wanted)))
    desk.fault("create_message:10:400/50500")
    first = desk.apply_saved(saved)
    assert {*statuses(first).values()} == {Status.DONE, Status.FAILED, Status.NOT_REACHED}
    desk.fault()

    desk.apply_saved(saved)

    texts = ["1", *map(str, range(12))]
    assert (desk.bodies("c"), desk.bodies(beside)) == (texts, texts)
    with pytest.raises(PlanError, match="applied already"):
        desk.apply_saved(saved)


def test_a_plan_that_is_not_done_does_not_go_on_over_changes_of_its_conversation(desk: Desk) -> None:
    """Somebody applied other manifests in between."""
    desk.apply(conversation("a: 1"))
    wanted = tuple(f"m{number}: {number}" for number in range(12))
    saved = desk.save(conversation("a: 1", *wanted))
    desk.fault("create_message:10:400/50500")
    desk.apply_saved(saved)
    desk.fault()
    desk.apply(conversation("a: 1", *wanted[:9], "x: x"))

    with pytest.raises(PlanError, match="stale plan"):
        desk.apply_saved(saved)
    assert desk.bodies("c")[-1] == "x"
