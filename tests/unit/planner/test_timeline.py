"""Relative times: resolved once, pinned in the state, moved on request; and what is odd about dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.errors import ManifestError, PlanError
from reconciler.manifest.load import load
from reconciler.model import Anchor, Conversation, Desired, Moment, Order, Timeline
from reconciler.planner.timeline import resolve_times
from reconciler.plans.actions import Verb
from reconciler.state.model import Bound, State
from reconciler.state.remembered import Binding
from tests.support.scenes import AT, Scene, applied, at, empty, found, live_of, message

NOW = datetime(2026, 6, 10, 12, 30, 15, 500_000, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def timeline(folder: Path, fields: str, *messages: str) -> Desired:
    """Load one conversation with a timeline."""
    lines = "".join(
        f"          - {{key: m{n}, body: x{one and ', ' + one}}}\n" for n, one in enumerate(messages)
    )
    path = folder / "m.yaml"
    path.write_text(
        f"""\
version: 1
services:
  desk:
    conversations:
      order:
        timeline: {{{fields}}}
        messages:
{lines}""",
        encoding="utf-8",
    )
    return load([path])


def dates(
    desired: Desired, state: State | None = None, now: datetime = NOW, **options: Any
) -> list[str | None]:
    """Return the dates of all messages."""
    resolved = resolve_times(desired, state, now, **options).desired
    return [one.date_created for one in resolved.services[0].conversations[0].messages]


def pinned(instant: str, start: str, zone: str = "UTC") -> State:
    """Return a state in which the conversation has an anchor."""
    binding = Binding("CH1", anchor=Anchor(instant, start, zone))
    return State("0" * 32, "AC1", "emulator:1", bindings={AT: binding})


@pytest.mark.parametrize(
    ("start", "zone", "date"),
    [
        ("now", "UTC", "2026-06-10T12:30:15Z"),
        ("-2h", "UTC", "2026-06-10T10:30:15Z"),
        ("-1w2d3h4m5s", "UTC", "2026-06-01T09:26:10Z"),
        ("+90m", "UTC", "2026-06-10T14:00:15Z"),
        ("-3d 09:00", BERLIN, "2026-06-07T07:00:00Z"),
        ("-1w 23:59:59", BERLIN, "2026-06-03T21:59:59Z"),
        ("today 00:00", "Pacific/Auckland", "2026-06-10T12:00:00Z"),
        ("-200d 09:00", BERLIN, "2025-11-22T08:00:00Z"),
        ("2026-01-05T10:00:00.9+01:00", BERLIN, "2026-01-05T09:00:00Z"),
    ],
)
def test_a_conversation_starts_relative_to_now(tmp_path: Path, start: str, zone: str, date: str) -> None:
    """Lengths count from this very second; times of day are those of the zone, on its own calendar."""
    assert dates(timeline(tmp_path, f'start: "{start}", zone: {zone}', "")) == [date]


def test_messages_follow_one_another(tmp_path: Path) -> None:
    """A step after the one before, or as `at` says; a date of its own stands beside the timeline."""
    desired = timeline(
        tmp_path,
        "start: 2026-01-05T09:00:00Z, step: 40s",
        *("", "", "at: +35s", "date_created: 2026-02-01T00:00:00Z", "", "at: +1d 10:00", "at: +0d 18:30", ""),
    )

    assert dates(desired) == [
        "2026-01-05T09:00:00Z",
        "2026-01-05T09:00:40Z",
        "2026-01-05T09:01:15Z",
        "2026-02-01T00:00:00Z",
        "2026-01-05T09:01:55Z",
        "2026-01-06T10:00:00Z",
        "2026-01-06T18:30:00Z",
        "2026-01-06T18:30:40Z",
    ]


def test_the_first_message_may_come_after_the_start(tmp_path: Path) -> None:
    """`at` counts from the start where nothing is before; the step is a minute unless given."""
    assert dates(timeline(tmp_path, "start: 2026-01-05T09:00:00Z", "at: +5m", "")) == [
        "2026-01-05T09:05:00Z",
        "2026-01-05T09:06:00Z",
    ]


def test_a_time_of_day_stays_itself_when_clocks_change(tmp_path: Path) -> None:
    """On the next morning it is nine again, though 23 hours have passed."""
    desired = timeline(tmp_path, f"start: 2026-03-28T08:00:00Z, zone: {BERLIN}", "", "at: +1d 09:00")

    assert dates(desired) == ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z"]


def test_a_time_that_no_clock_shows_is_told(tmp_path: Path) -> None:
    """It is taken as an hour later, and the reader knows."""
    desired = timeline(tmp_path, f"start: 2026-03-28T08:00:00Z, zone: {BERLIN}", "", "at: +1d 02:30")
    timed = resolve_times(desired, None, NOW)

    assert timed.desired.services[0].conversations[0].messages[1].date_created == "2026-03-29T01:30:00Z"
    assert [(one.code, one.address) for one in timed.warnings] == [("dst_gap", AT)]


def test_a_pinned_start_stays_where_it_is(tmp_path: Path) -> None:
    """A later plan sees the same dates, also for a message that is new."""
    desired = timeline(tmp_path, "start: -2h", "", "")
    state = pinned("2026-06-01T00:00:00Z", "-2h")

    assert dates(desired, state) == ["2026-06-01T00:00:00Z", "2026-06-01T00:01:00Z"]


@pytest.mark.parametrize(
    ("state", "options"),
    [
        (pinned("2026-06-01T00:00:00Z", "-2h"), {"re_anchor": True}),
        (pinned("2026-06-01T00:00:00Z", "-3h"), {}),
        (pinned("2026-06-01T00:00:00Z", "-2h", BERLIN), {}),
        (None, {}),
    ],
    ids=["requested", "another start", "another zone", "never pinned"],
)
def test_a_start_that_is_not_pinned_counts_from_now(
    tmp_path: Path, state: State | None, options: dict[str, Any]
) -> None:
    """`--re-anchor` moves a demo to today; so does a manifest that says something else."""
    assert dates(timeline(tmp_path, "start: -2h", ""), state, **options) == ["2026-06-10T10:30:15Z"]


def test_a_fixed_start_is_never_moved(tmp_path: Path) -> None:
    """It says itself when it is."""
    desired = timeline(tmp_path, "start: 2026-01-05T09:00:00Z", "")

    assert dates(desired, re_anchor=True) == ["2026-01-05T09:00:00Z"]
    assert resolve_times(desired, None, NOW).desired.services[0].conversations[0].anchor is None


def test_a_timeline_that_leaves_the_calendar_is_an_error(tmp_path: Path) -> None:
    """With the place of the conversation, not with a traceback."""
    with pytest.raises(PlanError) as caught:
        dates(timeline(tmp_path, "start: -999999w", ""))

    assert caught.value.text == "the timeline of `desk/order` leaves the calendar"
    assert caught.value.hint == f"check it at {tmp_path / 'm.yaml'}:5"


def anchored(*, anchor: str = "2026-06-01T00:00:00Z") -> dict[str, Any]:
    """Return the fields of a conversation whose timeline was resolved."""
    return {
        "timeline": Timeline("-2h", start=Moment(seconds=-7200)),
        "anchor": Anchor(anchor, "-2h", "UTC"),
    }


def test_a_new_conversation_takes_its_anchor_along() -> None:
    """What creates it carries the anchor, so that both are recorded together."""
    plan = empty(message("a"), **anchored()).plan()

    assert [action.anchor for action in plan.actions] == [
        None,
        Anchor("2026-06-01T00:00:00Z", "-2h", "UTC"),
        None,
    ]


def test_an_existing_conversation_is_anchored_without_a_request() -> None:
    """The state remembers it, whether anything else changes or not."""
    scene = applied(message("a"))
    plan = scene.wanting(message("a"), **anchored()).plan()

    (record,) = plan.records
    assert isinstance(record, Bound)
    assert (plan.actions, record.address) == ((), AT)
    assert record.binding.anchor == Anchor("2026-06-01T00:00:00Z", "-2h", "UTC")


def test_a_re_anchored_demo_updates_its_dates() -> None:
    """In place, nothing is posted again."""
    first = message("a", date_created="2026-06-01T00:00:00Z", after=Moment())
    moved = msgspec.structs.replace(first, date_created="2026-06-09T00:00:00Z")
    scene = applied(first).wanting(moved, **anchored(anchor="2026-06-09T00:00:00Z"))

    assert [(one.verb, one.send) for one in scene.plan().actions] == [
        (Verb.UPDATE, {"date_created": "2026-06-09T00:00:00Z"})
    ]


def test_a_lost_state_does_not_double_a_demo() -> None:
    """Without the anchor the dates are others, so they say nothing about whether it is the same message.

    Who takes it over gives it the new date in the same plan: nobody has changed it.
    """
    wanted = message("a", date_created="2026-06-09T00:00:00Z", after=Moment())
    there = live_of(msgspec.structs.replace(wanted, date_created="2026-06-01T00:00:00Z"), "IMa", 0)
    scene: Scene = found(wanted, **anchored()).also(there)

    assert [refusal.code for refusal in scene.plan().refusals] == ["identical_exists"]
    plan = scene.plan(adopt=True)
    assert [(one.verb, one.reason.value, one.importing, one.send) for one in plan.actions] == [
        (Verb.UPDATE, "identical_exists", True, {"date_created": "2026-06-09T00:00:00Z"})
    ]
    assert (plan.counts.imported, plan.counts.change) == (1, 1)


def dated(*given: str | None, order: Order = Order.APPEND) -> list[tuple[str, str]]:
    """Return what is odd about messages with these dates."""
    messages = tuple(message(f"m{n}", date_created=date) for n, date in enumerate(given))
    conversation = Conversation("order", "m.yaml", 1, messages=messages, order=order)
    desired = msgspec.structs.replace(
        empty().desired,
        services=(msgspec.structs.replace(empty().desired.services[0], conversations=(conversation,)),),
    )
    return [(one.code, one.address) for one in resolve_times(desired, None, NOW).warnings]


def test_dates_that_fall_behind_the_order_are_told() -> None:
    """The first of a conversation; messages without a date are passed over."""
    later, earlier = "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"

    assert dated(later, None, earlier, earlier) == [("dates_out_of_order", at("m2"))]
    assert dated(earlier, None, later, later) == []
    assert dated(later, earlier, order=Order.ANY) == []


def test_dates_in_the_future_are_told() -> None:
    """Twilio takes them, and people wonder."""
    soon = (NOW + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    now = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")

    assert dated(now) == []
    assert dated(now, soon, soon) == [("date_in_future", at("m1"))]


@pytest.mark.parametrize("start", ["2026-06-09T08:00:00Z", "-1h", "now"])
def test_an_edit_before_the_date_on_the_timeline_is_refused(tmp_path: Path, start: str) -> None:
    """Offline, as for a date that is written down; the sentence says both places."""
    fields = ('date_updated: "2026-06-09T08:00:59Z"', 'date_updated: "2026-06-09T08:00:59Z"')
    desired = timeline(tmp_path, f"start: {start}", *fields)

    with pytest.raises(PlanError, match=r"`date_updated` of `desk/order/m[01]` is before its date") as caught:
        resolve_times(desired, None, NOW)

    assert f"it is at {tmp_path / 'm.yaml'}:" in (caught.value.hint or "")


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "posix/Europe/Berlin", "right/UTC"])
def test_what_one_machine_takes_for_a_zone_is_refused(tmp_path: Path, zone: str) -> None:
    """The same manifest would mean another time on the next machine."""
    with pytest.raises(ManifestError) as caught:
        timeline(tmp_path, f"start: now, zone: {zone}", "")

    (problem,) = caught.value.problems
    assert f"names no time zone, but what one machine takes for it: `{zone}`" in problem.text
