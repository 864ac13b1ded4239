"""An apply as a process that is stopped at a point: `python -m tests.support.stopping FOLDER URL NAME …`.

It applies FOLDER/desk.yaml with the state in objects of FOLDER, or with `--page` in a document of it. With
`--stop 'NUMBER POINT'` it stops itself with SIGSTOP when it reaches that point for that time. Points are
writes (`before swap head`), replies of the API (`after create_message`), and `before the check`. With
`--lost 'NUMBER WRITE'` the reply to that write is lost; `--unlock` frees the lock first. It exits 1 with the
error, if there is one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.manifest.load import load
from reconciler.operations.apply import plan_and_apply
from reconciler.operations.session import Settings
from reconciler.plans.actions import Action
from reconciler.plans.options import Options
from reconciler.plans.outcome import Result
from reconciler.plans.plan import Plan
from reconciler.runtime.interrupts import Interrupts
from reconciler.state.stores.background import Core, Remote
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.pages import Pages
from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Endpoint
from tests.support.folder_blobs import FolderBlobs, SharedClock
from tests.support.folder_page import FolderPage
from tests.support.points import Points


def after_replies(point: Points) -> None:
    """Let a change at Twilio be followed by a point, which lies before its reply is recorded."""

    def followed(name: str) -> Callable[..., Awaitable[object]]:
        change: Callable[..., Awaitable[object]] = getattr(Twilio, name)

        async def changed(*arguments: object, **fields: object) -> object:
            reply = await change(*arguments, **fields)
            point(f"after {name}")
            return reply

        return changed

    for name in ("create_service", "create_conversation", "create_message", "delete_message"):
        setattr(Twilio, name, followed(name))


class Checked(Remote):
    """A store that tells when it is asked whether a request may be sent, before it answers."""

    def __init__(self, core: Core, point: Points) -> None:
        super().__init__(core)
        self._point = point

    def may_send(self) -> None:
        """Return if a request may be handed over."""
        self._point("before the check")
        super().may_send()


class Approver:
    """Approves every plan."""

    def __call__(self, plan: Plan) -> Approver | None:
        """Approve it, if it can be applied."""
        return self if plan.applyable else None

    def started(self, action: Action) -> None:
        """Be told."""

    def halfway(self, action: Action, sid: str | None) -> None:
        """Be told."""

    def finished(self, result: Result) -> None:
        """Be told."""


def main() -> int:
    """Apply, and return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("name")
    parser.add_argument("--stop", default="")
    parser.add_argument("--lost", default="")
    parser.add_argument("--unlock", action="store_true")
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    clock = SharedClock(given.folder, jumps=not given.stop)
    clocks = Clocks(clock.now, clock.now, clock.sleep)
    point = Points(given.stop, given.lost)
    after_replies(point)
    core: Core = (
        Pages(FolderPage(given.folder, point), clocks=clocks)
        if given.page
        else Objects(FolderBlobs(given.folder, clock, point), clocks=clocks)
    )
    store = Checked(core, point)
    settings = Settings(
        endpoint=Endpoint.parse(given.url, os.environ), state="unused", settle=0.5, parallelism=2, held=store
    )
    holder = Holder(given.name, os.getpid(), "apply", "2026-11-30T04:00:00Z")
    try:
        if given.unlock:
            asyncio.run(store.unlock(0.5))
        with store.lock(holder, timeout=0, settle=0.5):
            outcome = asyncio.run(
                plan_and_apply(
                    load((given.folder / "desk.yaml",)),
                    settings,
                    Options(duplicate=True),
                    approve=Approver(),
                    interrupts=Interrupts(),
                )
            )
    except ReconcilerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if outcome is None or not outcome.interrupted else 1


if __name__ == "__main__":
    sys.exit(main())
