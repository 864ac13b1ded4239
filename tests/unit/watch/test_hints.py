"""Marked conversations: each once, and all of them where they are too many."""

from __future__ import annotations

import asyncio
from threading import Thread

from reconciler.watch.hints import Hints


def test_a_mark_is_held_once_and_taken_once() -> None:
    """However often it is made."""
    hints = Hints()
    for _ in range(10_000):
        hints.mark("CH1")
    hints.mark("CH2")

    assert hints.waiting
    assert hints.take() == frozenset({"CH1", "CH2"})
    assert not hints.waiting
    assert hints.take() == frozenset()


def test_too_many_marks_mean_everything() -> None:
    """One look at everything costs less than many single ones, and memory stays bounded."""
    hints = Hints(most=3)
    for number in range(5):
        hints.mark(f"CH{number}")

    assert hints.take() is None
    assert not hints.waiting


def test_what_could_not_be_looked_at_is_marked_again() -> None:
    """Beside what was marked meanwhile; everything stays everything."""
    hints = Hints(most=3)
    hints.mark("CH1")
    taken = hints.take()
    hints.mark("CH2")

    hints.put_back(taken)

    assert hints.take() == frozenset({"CH1", "CH2"})
    hints.put_back(None)
    assert hints.take() is None


def test_a_mark_of_another_thread_ends_the_wait() -> None:
    """The server has a thread of its own."""

    async def wait() -> frozenset[str] | None:
        hints = Hints()
        hints.attach()
        thread = Thread(target=hints.mark, args=("CH1",))
        thread.start()
        await hints.wait()
        thread.join()
        return hints.take()

    assert asyncio.run(wait()) == frozenset({"CH1"})
