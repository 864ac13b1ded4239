"""Which requests a fault hits, and how faults are written as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Fault, FaultScript
from reconciler.emulator.fault_text import described, parse_fault
from reconciler.emulator.faults import (
    Action,
    Answer,
    Delay,
    EndlessPager,
    FoldAuthor,
    ForeignReply,
    Form,
    Invoke,
    LateListing,
    Latency,
    NoConnection,
    Pause,
    RepeatingPager,
    Reset,
    RewriteBody,
    StaleReads,
    TidyText,
    Truncate,
    WrongType,
)
from reconciler.errors import UsageError


def hits(fault: Fault, count: int, *, seed: int = 0) -> list[int]:
    """Return which of *count* creates are hit, counted from 1."""
    script = FaultScript(seed)
    script.add(fault)
    return [number for number in range(1, count + 1) if script.draw("POST", "create_message")]


def test_fault_without_a_when_hits_every_request() -> None:
    """Until it is cleared."""
    assert hits(Fault("create_message", Reset()), 3) == [1, 2, 3]


def test_nth_fault_hits_once() -> None:
    """Counted from one."""
    assert hits(Fault("create_message", Reset(), nth=2), 5) == [2]


def test_every_fault_hits_again_and_again() -> None:
    """Each second, fourth, sixth."""
    assert hits(Fault("create_message", Reset(), every=2), 6) == [2, 4, 6]


def test_chance_is_repeatable_by_its_seed() -> None:
    """The same seed hits the same requests, about as many as the probability says."""
    fault = Fault("create_message", Reset(), probability=0.1)
    first = hits(fault, 1000, seed=7)

    assert first == hits(fault, 1000, seed=7) != hits(fault, 1000, seed=8)
    assert 70 < len(first) < 130


def test_chances_of_two_faults_are_independent() -> None:
    """Equal rules do not strike together."""
    script = FaultScript()
    script.add(*[Fault("*", Reset(), probability=0.5)] * 2)

    assert {len(script.draw("GET", "fetch_message")) for _ in range(100)} == {0, 1, 2}


def test_chances_stay_independent_when_a_rule_goes() -> None:
    """A rule that comes after an owner's were dropped rolls dice of its own."""
    script, rule = FaultScript(), Fault("*", Reset(), probability=0.5)
    script.add(rule, owner="somebody")
    script.add(rule)
    script.clear("somebody")
    script.add(rule)

    assert {len(script.draw("GET", "fetch_message")) for _ in range(100)} == {0, 1, 2}


@pytest.mark.parametrize(
    ("kind", "fits"),
    [
        ("create_message", True),
        ("create_*", True),
        ("*_message", True),
        ("*", True),
        ("POST", True),
        ("GET", False),
        ("fetch_*", False),
        ("create", False),
    ],
)
def test_kind_is_a_pattern_or_a_method(kind: str, *, fits: bool) -> None:
    """Requests that do not fit are not counted either."""
    assert Fault(kind, Reset()).fits("POST", "create_message") is fits


def test_counting_is_by_rule() -> None:
    """Other requests in between do not count, and a cleared script starts afresh."""
    script = FaultScript()
    script.add(Fault("create_message", Reset(), nth=2), Fault("*", Truncate(), nth=2))
    drawn = [script.draw("POST", kind) for kind in ("create_message", "create_service", "create_message")]
    script.clear()

    assert drawn == [[], [Truncate()], [Reset()]]
    assert script.draw("POST", "create_message") == []


ACTIONS: list[tuple[str, Action]] = [
    ("latency=0.5", Latency(0.5)),
    ("reset_before", Reset()),
    ("reset_after", Reset(after=True)),
    ("no_connection", NoConnection()),
    ("delay=2", Delay(2)),
    ("truncate", Truncate()),
    ("wrong_type", WrongType()),
    ("foreign_reply", ForeignReply()),
    ("late=5", LateListing(5)),
    ("stale=0.5", StaleReads(0.5)),
    ("tidy_text", TidyText()),
    ("fold_author", FoldAuthor()),
    ("repeat_page", RepeatingPager()),
    ("endless_pages", EndlessPager()),
    ("rewrite_body=a:b=c", RewriteBody("a:b=c")),
    ("pause_before=/tmp/a:b", Pause(Path("/tmp/a:b"))),
    ("pause_after=marker", Pause(Path("marker"), after=True)),
    ("429", Answer(429)),
    ("429=2", Answer(429, retry_after=2)),
    ("429=date+2.5", Answer(429, retry_after=2.5, as_date=True)),
    ("503_html", Answer(503, form=Form.HTML)),
    ("500_empty_after", Answer(500, form=Form.EMPTY, after=True)),
    ("400/50056_after", Answer(400, 50056, after=True)),
]


@pytest.mark.parametrize(("text", "action"), ACTIONS)
def test_reads_every_action(text: str, action: Action) -> None:
    """Values may contain what separates the parts."""
    assert parse_fault(f"create_message:{text}") == Fault("create_message", action)


@pytest.mark.parametrize("action", [action for _, action in ACTIONS])
def test_describes_every_action_as_it_reads_it(action: Action) -> None:
    """The log of requests and the command line have one notation."""
    assert parse_fault(f"create_message:{described(action)}").action == action


def test_describes_what_has_no_notation() -> None:
    """Only tests in Python can ask for it."""
    assert described(Invoke(print)) == "invoke"


@pytest.mark.parametrize(
    ("when", "fields"),
    [("3:", {"nth": 3}), ("every=4:", {"every": 4}), ("p=0.25:", {"probability": 0.25}), ("", {})],
)
def test_reads_when(when: str, fields: dict[str, Any]) -> None:
    """The n-th, every n-th again, by chance, always."""
    assert parse_fault(f"POST:{when}429") == Fault("POST", Answer(429), **fields)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("create_message", "it has no action"),
        (":429", "it has no action"),
        ("PATCH:429", "`PATCH` is no kind of request"),
        ("PUT:429", "`PUT` is no kind of request"),
        ("create_mesage:429", "`create_mesage` is no kind of request, did you mean `create_message`?"),
        ("drop_*:429", "`drop_*` is no kind of request"),
        ("*:explode", "`explode` is no action"),
        ("*:200", "`200` is no action"),
        ("*:3:", "`` is no action"),
        ("*:0:429", "`0` is no count from 1"),
        ("*:every=x:429", "`x` is no count from 1"),
        ("*:p=2:429", "`2` is no probability from 0 to 1"),
        ("*:p=half:429", "`half` is no number from 0"),
        ("*:latency=nan", "`nan` is no number from 0"),
        ("*:latency=-1", "`-1` is no number from 0"),
        ("*:429=date+99999999999999999999", "`99999999999999999999` seconds are more than a century"),
        ("*:429=3153600001", "`3153600001` seconds are more than a century"),
        ("*:delay=1e300", "`1e300` seconds are more than a century"),
        ("*:pause_after=", "`pause_after=` is no action"),
    ],
)
def test_says_what_is_wrong_with_a_fault(text: str, why: str) -> None:
    """The text, the reason, and in the hint how it is written."""
    with pytest.raises(UsageError) as caught:
        parse_fault(text)

    assert caught.value.text == f"cannot read the fault `{text}`: {why}"
    assert "KIND[:WHEN]:ACTION" in (caught.value.hint or "")
