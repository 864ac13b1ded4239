"""Windows: on a store away from this machine creates are announced by eights, and still happen once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from reconciler.state.stores.objects import WINDOW
from tests.support import blobs
from tests.support.blobs import MemoryBlobs
from tests.support.desk import Desk, NotApplyable, conversation, statuses, together
from tests.support.mortal import Death, MortalBlobs, PowerOff

TWENTY = [f"m{number:02}: Text {number}" for number in range(20)]
BODIES = [f"Text {number}" for number in range(20)]
WANTED = conversation(*TWENTY)
LATE = partial(MemoryBlobs, latency=0.03)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose state is in objects, 30 ms away each way."""
    with Desk(tmp_path, there=blobs.Objects(), way=LATE) as made:
        yield made


def open_now(desk: Desk) -> list[str]:
    """Return the keys of the creates that are open by what is stored."""
    return [address.rpartition("/")[2] for address in desk.state.intents]


def expect_all(desk: Desk) -> None:
    """All twenty stand once and in order, nothing is open, and there is nothing left to do."""
    assert desk.bodies("c") == BODIES
    assert not desk.state.intents
    assert not desk.plan(WANTED).actions


def test_a_create_is_sent_only_after_its_window_is_stored(desk: Desk) -> None:
    """The window after it is stored meanwhile, and the replies of one before with that."""
    seen: list[list[str]] = []
    desk.fault(Fault("create_message", Invoke(lambda: seen.append(open_now(desk)))))

    desk.apply(WANTED)

    keys = [text.partition(":")[0] for text in TWENTY]
    assert all(key in announced for key, announced in zip(keys, seen, strict=True))
    assert max(map(len, seen)) == 2 * WINDOW
    assert seen[1] == keys[: 2 * WINDOW]
    assert set(keys[2 * WINDOW :]) <= set(seen[-1]) <= set(keys[WINDOW:])
    expect_all(desk)


def test_windows_share_writes(desk: Desk) -> None:
    """Twenty creates cost one write for each window, and one for the last replies."""
    desk.apply(conversation("z: Zero"))
    writes: list[MemoryBlobs] = []

    def way(objects: blobs.Objects) -> MemoryBlobs:
        writes.append(MemoryBlobs(objects, latency=0.03))
        return writes[-1]

    desk.way = way
    desk.apply(conversation("z: Zero", *TWENTY))

    assert writes[-1].calls["create"] <= 1 + 3 + 1 + 2  # a fence, windows, the last replies, two snapshots


def test_a_thousand_creates_take_hardly_longer_than_their_requests(desk: Desk) -> None:
    """At 60 ms a request to the API, ten at once, and 30 ms one to the store, by a clock that jumps."""
    names = [f"c{number:02}" for number in range(50)]
    ways: list[MemoryBlobs] = []

    def way(objects: blobs.Objects) -> MemoryBlobs:
        ways.append(MemoryBlobs(objects, latency=0.015))
        return ways[-1]

    desk.way = way
    desk.apply(together(*(conversation("z: Zero", name=name) for name in names)))
    wanted = together(*(conversation("z: Zero", *TWENTY, name=name) for name in names))
    approved: list[datetime] = []
    desk.fault("*:latency=0.06")

    desk.apply(wanted, reviewed=lambda: approved.append(desk._now()))

    requests = len(names) * (1 + len(TWENTY))  # one reads the boundary of a conversation
    assert (desk._now() - approved[0]).total_seconds() <= 1.06 * requests / 10 * 0.06
    assert ways[-1].writes <= 1000 / WINDOW + 110


@pytest.mark.parametrize("after", [False, True], ids=["arrived", "stored"])
@pytest.mark.parametrize("nth", range(1, 21))
def test_a_run_that_dies_at_any_create_is_finished_by_the_next(desk: Desk, nth: int, *, after: bool) -> None:
    """It takes over, finds out which of the announced creates were sent, and does the others."""
    death = Death("create_message", nth, torn=False)
    desk.way = partial(MortalBlobs, death=death)
    desk.fault(Fault("create_message", Invoke(death.request, after=after)))
    with suppress(PowerOff):
        desk.apply(WANTED)
    assert death.dead
    desk.fault()
    desk.way = LATE

    outcome = desk.apply(WANTED)

    assert {result.status for result in outcome.results} <= {Status.DONE}
    expect_all(desk)


def test_messages_that_say_the_same_are_told_apart_by_their_order(desk: Desk) -> None:
    """Of a window of equal texts the first ones were sent."""
    same = conversation(*(f"m{number}: Hello" for number in range(12)))
    death = Death("create_message", 6, torn=False)
    desk.way = partial(MortalBlobs, death=death)
    desk.fault(Fault("create_message", Invoke(death.request, after=True)))
    with suppress(PowerOff):
        desk.apply(same)
    desk.fault()
    desk.way = LATE

    desk.apply(same)

    assert desk.bodies("c") == ["Hello"] * 12
    assert [desk.state.bindings[f"desk/c/m{number}"].index for number in range(12)] == list(range(12))


def test_of_a_window_no_message_stands_below_one_that_was_posted_before(desk: Desk) -> None:
    """Somebody posted the second text before our first one, and the run died before its second create."""
    death = Death("create_message", 2, torn=False)
    desk.way = partial(MortalBlobs, death=death)
    desk.fault(
        Fault("create_message", Invoke(lambda: desk.post("c", "Two")), nth=1),
        Fault("create_message", Invoke(death.request)),
    )
    wanted = conversation("a: One", "b: Two", "c: Three")
    with suppress(PowerOff):
        desk.apply(wanted)
    desk.fault()
    desk.way = LATE

    with pytest.raises(NotApplyable, match="stands before what was posted first"):
        desk.apply(wanted)

    assert desk.bodies("c") == ["Two", "One"]


def test_a_window_that_was_not_sent_is_closed_by_a_run_that_is_stopped(desk: Desk) -> None:
    """The next run need not look for it."""
    desk.fault(Fault("create_message", Invoke(lambda: desk.interrupts._on_signal(2)), nth=3))

    outcome = desk.apply(WANTED)

    assert outcome.interrupted
    assert desk.bodies("c") == BODIES[:3]
    assert not desk.state.intents
    desk.fault()
    desk.apply(WANTED)
    expect_all(desk)


@pytest.mark.parametrize(
    ("trouble", "status", "left"),
    [
        (["create_message:3:400"], Status.FAILED, []),
        (["create_message:3:reset_after", "list_messages:503"], Status.UNKNOWN, ["m02"]),
    ],
    ids=["refused", "unknown"],
)
def test_a_create_that_ends_its_conversation_closes_the_rest_of_its_window(
    desk: Desk, trouble: list[str], status: Status, left: list[str]
) -> None:
    """What comes after it is not reached; only what may have happened stays open."""
    desk.fault(*trouble)

    found = statuses(desk.apply(WANTED))

    assert found["desk/c/m02"] is status
    assert {found[f"desk/c/m{number:02}"] for number in range(3, 20)} == {Status.NOT_REACHED}
    assert open_now(desk) == left
    desk.fault()
    desk.apply(WANTED)
    expect_all(desk)


@pytest.mark.parametrize("trouble", ["reset_after", "reset_before", "503_after", "delay=8"])
@pytest.mark.parametrize("nth", [1, 8, 9, 20])
def test_a_lost_reply_is_settled_within_its_window(desk: Desk, trouble: str, nth: int) -> None:
    """A create that is sent again keeps its place among those that are announced."""
    desk.fault(f"create_message:{nth}:{trouble}")

    desk.apply(WANTED)

    expect_all(desk)


def test_a_create_that_is_sent_again_was_announced_all_the_time(desk: Desk) -> None:
    """Between two attempts a run may die as well."""
    seen: list[list[str]] = []
    desk.fault(
        Fault("create_message", Invoke(lambda: seen.append(open_now(desk)))), "create_message:3:reset_before"
    )

    desk.apply(WANTED)

    assert "m02" in seen[3]
    assert seen[3].index("m02") < seen[3].index("m03")


def test_a_create_with_webhooks_is_announced_by_itself(desk: Desk) -> None:
    """A hook may rewrite its message, so the replies around it are on record before the next is sent."""
    keys = [text.partition(":")[0] for text in TWENTY]
    hooked = {9, 10, 19}
    wanted = conversation(
        *(
            f"{{key: {key}, body: Text {number}, webhooks: {str(number in hooked).lower()}}}"
            for number, key in enumerate(keys)
        )
    )
    seen: list[list[str]] = []
    desk.fault(Fault("create_message", Invoke(lambda: seen.append(open_now(desk)))))

    desk.apply(wanted)

    assert seen[8] == keys[:9]
    assert seen[9:11] == [[keys[9]], [keys[10]]]
    assert seen[11] == keys[11:19]
    assert seen[19] == [keys[19]]
    assert desk.bodies("c") == BODIES


def test_what_was_replaced_is_deleted_only_after_its_successor_is_on_record(desk: Desk) -> None:
    """Or a run that dies then would lose both."""
    strict = "order: strict"
    desk.apply(conversation(*TWENTY, settings=strict))
    first = {address: binding.sid for address, binding in desk.state.bindings.items()}
    moved = conversation("new: New", *TWENTY, settings=strict)
    seen: list[bool] = []

    def look() -> None:
        bindings = desk.state.bindings
        seen.append(
            all(bindings[f"desk/c/m{number:02}"].sid != first[f"desk/c/m{number:02}"] for number in range(20))
        )

    desk.fault(Fault("delete_message", Invoke(look)))

    desk.apply(moved, Options(allow_recreate=True, max_delete=100, max_delete_percent=True))

    assert seen == [True] * 20
    assert desk.bodies("c") == ["New", *BODIES]


def test_a_result_is_reported_only_once_it_is_stored(desk: Desk) -> None:
    """The table names as done what the next run knows."""
    unknown: list[str] = []

    def look() -> None:
        bindings = desk.state.bindings
        unknown.extend(result.address for result in desk.ended if result.address not in bindings)

    desk.fault(Fault("create_message", Invoke(look)))

    desk.apply(WANTED)

    assert not unknown
    assert len(desk.ended) == 22


def test_side_by_side_creates_are_announced_by_windows_too(desk: Desk) -> None:
    """Under `order: any`, and the run dies in the middle of them."""
    wanted = conversation(*TWENTY, settings="order: any")
    death = Death("create_message", 14, torn=False)
    desk.way = partial(MortalBlobs, death=death)
    desk.fault(Fault("create_message", Invoke(death.request, after=True)))
    with suppress(PowerOff):
        desk.apply(wanted)
    desk.fault()
    desk.way = LATE

    desk.apply(wanted)

    assert sorted(desk.bodies("c")) == sorted(BODIES)
    assert not desk.plan(wanted).actions


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_file_is_recognised_although_it_was_announced_before_its_upload(
    desk: Desk, tmp_path: Path, nth: int
) -> None:
    """Its sid is not known then; the run dies right after the create."""
    (tmp_path / "car.png").write_bytes(b"\x89PNG car")
    wanted = conversation("a: Look", "{key: photo, media: {file: car.png}, body: My car}", "b: Nice")
    death = Death("create_message", nth, torn=False)
    desk.way = partial(MortalBlobs, death=death)
    desk.fault(Fault("create_message", Invoke(death.request, after=True)))
    with suppress(PowerOff):
        desk.apply(wanted)
    desk.fault()
    desk.way = LATE

    desk.apply(wanted)

    shown = [(one["body"], len(one["media"] or ())) for one in desk.messages("c")]
    assert shown == [("Look", 0), ("My car", 1), ("Nice", 0)]
    assert not desk.plan(wanted).actions


def test_services_that_name_each_other_are_made_in_two_steps(desk: Desk) -> None:
    """The second begins with the sids of the first; nothing was announced that would be taken back."""
    wanted = """\
version: 1
services:
  desk: {conversations: {a: {messages: [{key: one, body: Hello, author: "${service.back.sid}"}]}}}
  back: {conversations: {b: {messages: [{key: one, body: Hello, author: "${service.desk.sid}"}]}}}
"""
    desk.apply(wanted)

    assert (desk.count("create_service"), desk.bodies("a"), desk.bodies("b")) == (2, ["Hello"], ["Hello"])
    assert not desk.plan(wanted).actions
