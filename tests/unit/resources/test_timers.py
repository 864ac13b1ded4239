"""What the dates of a reply tell about timers: nothing that is not certain is called a change."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import ConversationView, RemoteConversation, RemoteMessage, RemoteTimers
from reconciler.model.canonical import canonical_duration, canonical_instant, duration_seconds
from reconciler.resources.timers import contradicted, worked_out

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def at(seconds: float) -> str:
    """Return the moment so many seconds after the conversation was made."""
    return canonical_instant(START + timedelta(seconds=seconds))


def view(
    timers: RemoteTimers | None, *messages: float, state: str = "active", updated: float = 0
) -> ConversationView:
    """Return a conversation whose messages are dated so many seconds after it was made."""
    live = RemoteConversation("CH1", state=state, timers=timers, date_created=at(0), date_updated=at(updated))
    listed = [RemoteMessage(f"IM{n}", n, date_created=at(date)) for n, date in enumerate(messages)]
    return ConversationView(live, {one.sid: one for one in listed})


def inactive(due: float) -> RemoteTimers:
    """Return timers of which one runs out then."""
    return {"date_inactive": at(due)}


@given(
    length=st.integers(60, 10**7),
    arrivals=st.lists(st.integers(0, 10**7), max_size=4).map(sorted),
    back=st.lists(st.integers(0, 10**8), min_size=4, max_size=4),
    later=st.integers(0, 10**6),
    clock=st.booleans(),
)
def test_a_timer_that_nobody_touched_is_never_called_changed(
    length: int, arrivals: list[int], back: list[int], later: int, *, clock: bool
) -> None:
    """Whenever messages arrive, however far they are backdated, whether the server tells the time or not."""
    started = max(arrivals, default=0)
    dated = [arrival - behind for arrival, behind in zip(arrivals, back, strict=False)]
    seen = view(inactive(started + length), *dated)
    read_at = at(started + later) if clock else ""

    assert contradicted(seen, {"timers_inactive": canonical_duration(length)}, read_at) == {}


@pytest.mark.parametrize(
    ("seen", "declared", "said"),
    [
        (view(inactive(5 + 600), updated=5), "PT1H", "PT10M"),
        (view(inactive(7200 + 600), 7200), "PT1H", "PT10M"),
        (view(inactive(7200)), "PT1H", "PT2H"),
        (view({}), "PT1H", ""),
        (view({"date_inactive": None}), "PT1H", ""),
        (view({}), "", ""),
    ],
)
def test_a_timer_that_cannot_be_as_declared_is_named(
    seen: ConversationView, declared: str, said: str
) -> None:
    """Shorter than since the last message, longer than until now, or gone; with what it seems to be."""
    assert contradicted(seen, {"timers_inactive": declared}, at(7200 if seen.messages else 60)) == {
        "timers_inactive": said
    }


@pytest.mark.parametrize("apart", [-61, -60, 0, 60, 61])
def test_clocks_of_a_server_may_disagree_by_a_minute(apart: int) -> None:
    """A timer that seems longer or shorter by up to 60 seconds is believed; one second more is a change."""
    found = contradicted(view(inactive(3600 + apart)), {"timers_inactive": "PT1H"}, at(0))

    assert bool(found) == (abs(apart) > 60)


@pytest.mark.parametrize(
    "seen",
    [
        ConversationView(None),
        view(None),
        view({}, state="inactive"),
        view(inactive(10), state="closed"),
        view({"date_inactive": "soon", "date_closed": "later"}, state="closed"),
        view(inactive(90 * 60)),
    ],
)
def test_what_is_not_certain_is_not_named(seen: ConversationView) -> None:
    """No conversation, no timers in the reply, one that has run out, a message that may have come."""
    assert contradicted(seen, {"timers_inactive": "PT1H"}, at(30 * 60)) == {}


@pytest.mark.parametrize(
    ("due", "messages", "read_at", "length"),
    [
        (3600, [], "", "PT1H"),
        (30 * 86_400 + 3, [-(10**6)], "", "P30D"),
        (100 + 5400, [40, 100], "", "PT1H30M"),
        (3600, [1000], at(500), "PT1H"),
        (86_400 * 2 + 3_600, [], "", "P2DT1H"),
    ],
)
def test_a_round_timer_is_worked_out(due: int, messages: list[int], read_at: str, length: str) -> None:
    """From what is dated last and not in the future, with a moment to spare."""
    assert worked_out(view(inactive(due), *messages), read_at) == {"timers_inactive": length}


@pytest.mark.parametrize("due", [3600 + 170, 86_400 + 400, 0])
def test_an_odd_timer_is_not_worked_out(due: int) -> None:
    """Who knows when the last message really came."""
    assert worked_out(view(inactive(due)), "") == {}


@given(st.integers(0, 10**9))
def test_a_duration_is_read_back(seconds: int) -> None:
    """Whatever its length."""
    assert duration_seconds(canonical_duration(seconds)) == seconds


@pytest.mark.parametrize("seed", ["1", "2", "3", "4"])
def test_timers_come_in_the_same_order_in_every_process(seed: str) -> None:
    """Their order is that of the keys in a plan's JSON, which a pipeline compares."""
    program = (
        "from reconciler.resources.timers import contradicted\n"
        "from reconciler.model import ConversationView, RemoteConversation\n"
        "live = RemoteConversation('CH1', state='active', timers={}, date_created='2026-01-05T09:00:00Z')\n"
        "declared = {'timers_closed': 'P1D', 'timers_inactive': 'PT1H'}\n"
        "print(*contradicted(ConversationView(live, {}), declared, ''))\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == "timers_inactive timers_closed\n"
