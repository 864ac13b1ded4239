"""The one line of a terminal that shows how far a command is."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest

from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.report.outcome import render_outcome, table
from reconciler.report.progress import StatusProgress, describe
from reconciler.text.cells import fitted, width
from tests.support.plans import CREATE, PARTLY, at

PAUSE = "Twilio asks for a pause (429)"
CLEAR = "\r\x1b[K"


class Terminal:
    """A display on a terminal of *columns* cells, and the clock by which it is drawn."""

    def __init__(self, columns: int = 120) -> None:
        self.columns = columns
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.stream = StringIO()
        self.display = StatusProgress(
            self.stream,
            width=lambda: self.columns,
            clock=lambda: self.now,
            later=lambda seconds, call: self.due.append((self.now + seconds, call)),
        )

    def wait(self, seconds: float) -> None:
        """Let time go by, and the display draw itself whenever it asked for that."""
        end = self.now + seconds
        while self.due and self.due[0][0] <= end:
            self.now, call = self.due.pop(0)
            call()
        self.now = end

    @property
    def line(self) -> str:
        """The line as it is now."""
        return self.stream.getvalue().rpartition("\n")[2].rpartition(CLEAR)[2]

    @property
    def above(self) -> list[str]:
        """The lines that stay above it."""
        return [line.rpartition(CLEAR)[2] for line in self.stream.getvalue().split("\n")[:-1]]


def test_a_plan_that_is_ready_at_once_draws_nothing() -> None:
    """A line that flickers helps nobody."""
    terminal = Terminal()
    for done in range(3):
        terminal.display.reading(done, 2)
    terminal.display.close()

    assert terminal.stream.getvalue() == ""


def test_reading_shows_how_far_it_is_and_how_long_it_will_take() -> None:
    """The estimate comes once there is something to estimate by, and time goes on while nothing is read."""
    terminal = Terminal()
    terminal.display.reading(0, 0)
    terminal.wait(1)
    assert terminal.line == "reading · 0:01"

    terminal.wait(3.9)
    terminal.display.reading(250, 1000)
    terminal.wait(0.1)
    assert terminal.line == "reading 250 of 1,000 conversations · 0:05, about 0:15 left"

    terminal.wait(60)
    assert terminal.line == "reading 250 of 1,000 conversations · 1:05, about 3:15 left"


def test_a_pause_counts_down_and_ends() -> None:
    """Of several the one that ends last is shown."""
    terminal = Terminal()
    terminal.display.apply(10)
    terminal.display.started(CREATE)
    terminal.wait(1)
    terminal.display.waiting(8, PAUSE)
    terminal.display.waiting(2, "no reply")
    terminal.wait(0.5)
    assert terminal.line == f"0 of 10 · 0:01 · waiting 8 s: {PAUSE}"

    terminal.wait(2.5)
    assert terminal.line == f"0 of 10 · 0:04 · waiting 5 s: {PAUSE}"

    terminal.wait(6)
    assert terminal.line == f"0 of 10 · 0:10 · create {CREATE.address}"


def test_back_off_of_unknown_length_is_shown_for_a_second() -> None:
    """Longer would be a guess."""
    terminal = Terminal()
    terminal.display.apply(10)
    terminal.display.waiting(0, "no connection")
    assert terminal.line == "0 of 10 · 0:00 · waiting 1 s: no connection"

    terminal.wait(2)
    assert terminal.line == "0 of 10 · 0:02"


def test_what_went_wrong_stays_above_the_line() -> None:
    """The line is drawn again below it, and cleared at the end."""
    terminal = Terminal()
    terminal.display.apply(4)
    terminal.display.started(CREATE)
    for result in PARTLY.results[:2]:
        terminal.display.finished(result)

    assert terminal.above == [describe(PARTLY.results[1])]
    assert terminal.line == "2 of 4 · 0:00 · update support/order-4711/status"

    terminal.display.close()
    assert terminal.line == ""


def test_a_closed_line_stays_closed() -> None:
    """A question that waits for its answer is not drawn over; what happens after it is shown again."""
    terminal = Terminal()
    terminal.display.reading(0, 2)
    terminal.wait(2)
    terminal.display.close()
    closed = terminal.stream.getvalue()
    terminal.wait(60)
    assert terminal.stream.getvalue() == closed

    terminal.display.apply(1)
    terminal.display.started(CREATE)
    assert terminal.line == f"0 of 1 · 0:00 · create {CREATE.address}"


def test_thousands_of_actions_a_second_are_not_drawn_one_by_one() -> None:
    """To draw takes longer than to count; the last state shows by the clock."""
    terminal = Terminal()
    terminal.display.apply(10_000)
    for _ in range(10_000):
        terminal.display.finished(Result(at("a"), Verb.CREATE, Status.DONE))
        terminal.now += 0.0001
    assert terminal.stream.getvalue().count(CLEAR) <= 21

    terminal.wait(1)
    assert terminal.line.startswith("10,000 of 10,000 · ")


@pytest.mark.parametrize("columns", [1, 2, 10, 20, 40, 60])
@pytest.mark.parametrize("key", ["order", "注文番号四七一一", "e\u0301" * 30])
def test_the_line_never_wraps(columns: int, key: str) -> None:
    """Wide letters take two cells, and marks none; the last cell stays free, as terminals wrap behind it."""
    terminal = Terminal(columns)
    terminal.display.apply(1)
    terminal.display.started(Action(f"desk/{key}/hello", Verb.CREATE, Reason.NOT_IN_STATE))

    assert width(terminal.line) <= columns - 1
    terminal.columns = 200
    terminal.wait(1)
    assert terminal.line == f"0 of 1 · 0:01 · create desk/{key}/hello"


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("order", 5, "order"),
        ("order", 4, "ord…"),
        ("注文番号", 8, "注文番号"),
        ("注文番号", 7, "注文番…"),
        ("注文番号", 6, "注文…"),
        ("注文番号", 1, "…"),
        ("注文番号", 0, ""),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
)
def test_a_text_is_cut_by_cells(text: str, cells: int, shown: str) -> None:
    """A mark stays with its letter."""
    assert fitted(text, cells) == shown
    assert width(shown) <= cells


def test_unreached_actions_are_counted_by_conversation() -> None:
    """A failure early in a long conversation says so in one row; others keep their own."""
    done = Result("desk/a/m0", Verb.CREATE, Status.DONE, "IM1")
    unreached = [Result(f"desk/a/m{n}", Verb.CREATE, Status.NOT_REACHED) for n in range(1, 1001)]
    other = Result("desk/b/m1", Verb.CREATE, Status.NOT_REACHED)
    results = (done, *unreached[:500], other, *unreached[500:])

    assert list(table(results)) == [
        "  done         create  desk/a/m0  IM1",
        "  not reached  create  desk/a/m1  and 999 more in `desk/a`",
        "  not reached  create  desk/b/m1",
    ]
    assert "1001 not reached." in render_outcome(Outcome(results))
