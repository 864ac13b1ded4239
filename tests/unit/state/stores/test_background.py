"""A store whose work is done in another thread, when the process is interrupted."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

import pytest

from reconciler.state.stores import background
from reconciler.state.stores.background import Remote
from reconciler.state.stores.objects import Objects
from tests.support import blobs
from tests.support.blobs import MemoryBlobs
from tests.support.stores import clocks, holder


class Interrupting(MemoryBlobs):
    """Objects of which each write interrupts the process while it is under way."""

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object."""
        os.kill(os.getpid(), signal.SIGINT)
        return await super().create(name, data)


def test_ctrl_c_while_the_lease_is_taken_leaves_it_free() -> None:
    """The lease is released before the interrupt goes on: nobody waits for its end."""
    there = blobs.Objects()
    with (
        pytest.raises(KeyboardInterrupt),
        Remote(Objects(Interrupting(there), clocks=clocks())).lock(holder("ann@here"), timeout=0),
    ):
        signal.pause()

    with Remote(Objects(MemoryBlobs(there), clocks=clocks())).lock(holder("bob@there"), timeout=0):
        pass


class Interruption:
    """Interrupts this thread at the *nth* line that it runs in the module of the store."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def __call__(self, frame: FrameType, event: str, _: Any) -> Interruption | None:
        """Trace one event, as `sys.settrace` asks."""
        code = frame.f_code
        if code.co_filename != background.__file__ or code.co_name == background._loop.__name__:
            return None  # a line event comes before a lock is released, where no signal is handled
        if event == "line":
            self._left -= 1
            if self._left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of what had not begun
def test_an_interrupt_at_any_line_of_taking_the_lease_leaves_it_free() -> None:
    """Also before the thread that takes it has begun."""
    nth, is_taken, traced = 0, False, sys.gettrace()
    while not is_taken:
        nth, there = nth + 1, blobs.Objects()
        try:
            sys.settrace(Interruption(nth))
            with Remote(Objects(MemoryBlobs(there), clocks=clocks())).lock(holder("ann@here"), timeout=0):
                is_taken = True
                sys.settrace(traced)
        except KeyboardInterrupt:
            assert not is_taken
        finally:
            sys.settrace(traced)
        with Remote(Objects(MemoryBlobs(there), clocks=clocks())).lock(holder("bob@there"), timeout=0):
            pass
    assert nth > 5
