"""An apply whose state is written seldom: what must be there before something is deleted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.options import Options
from tests.support.desk import Desk, conversation
from tests.support.mortal import SLOW
from tests.support.single_page import MemoryPage, Server
from tests.support.stores import paged_state

MANIFEST = conversation("a: Hello", "b: Hello", "c: Bye", name="c")
REPLACED = "desk/c/b"


def test_a_message_is_on_record_before_the_one_that_it_replaces_is_deleted(tmp_path: Path) -> None:
    """With one write for all of them; a crash in between then leaves nothing to be looked for."""
    there = Server(swaps=True)
    with Desk(tmp_path, there=there, way=partial(MemoryPage, latency=SLOW)) as desk:
        desk.apply(MANIFEST)
        before = desk.state.bindings[REPLACED].sid
        seen = []

        def look() -> None:
            state = paged_state(there)
            assert state is not None
            seen.append(state.bindings[REPLACED])

        desk.fault(Fault("delete_message", Invoke(look)))
        desk.apply(MANIFEST, Options(replace=(REPLACED,), max_delete=100, max_delete_percent=True))

        assert [binding.sid == before for binding in seen] == [False] * len(seen)
        assert before in seen[0].superseded
        assert desk.state.bindings[REPLACED].superseded == ()
