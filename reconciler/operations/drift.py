"""Look for what was changed remotely since the last apply.

Nothing can be written on the way: the session sends nothing but GET, and the state's files refuse.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from reconciler.errors import StateError
from reconciler.model import Desired
from reconciler.operations.session import NOTHING, Settings, open_session
from reconciler.planner.pipeline import find_drift, prepare
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.plans.seen import Seen
from reconciler.refresh.remote import refresh
from reconciler.state.files import Files


async def look_for_drift(desired: Desired | None, settings: Settings) -> Plan:
    """Return a plan without actions and records, whose drift compares what is live with the state.

    With *desired* it counts the changes that are pending in the manifests too. Raises StateError if there
    is no state. No lock is needed.
    """
    settings = msgspec.structs.replace(settings, files=_Unchanging())
    async with open_session(settings, desired, read_only=True, missing=_nothing_applied) as session:
        await session.settle(0)
        prepared = prepare(desired or NOTHING, session.state, Options(), settings.now())
        remote = await refresh(
            session.client,
            prepared.desired,
            prepared.state,
            prepared.options,
            bound=prepared.bound,
            removals=desired is not None,
            activity=settings.activity,
        )
        if settings.see is not None:
            settings.see(Seen(prepared.desired, remote, prepared.bound))
        found = find_drift(prepared, remote, with_pending=desired is not None)
        return msgspec.structs.replace(found, requests_read=session.client.counters.read)


def _nothing_applied(place: str) -> StateError:
    return StateError(
        f"there is no state at `{place}`, so nothing was applied that could have drifted",
        hint="name one with `--state`, or run `reconciler apply` first",
    )


class _Unchanging(Files):
    """A file system on which nothing can be changed: a command that only reads has a bug if it tries."""

    def create(self, path: Path, mode: int = 0o600) -> int:
        """Refuse."""
        del mode
        raise _unexpected(path)

    def append(self, path: Path) -> int:
        """Refuse."""
        raise _unexpected(path)

    def replace(self, source: Path, path: Path) -> None:
        """Refuse."""
        del source
        raise _unexpected(path)

    def remove(self, path: Path) -> None:
        """Refuse."""
        raise _unexpected(path)


def _unexpected(path: Path) -> AssertionError:
    return AssertionError(f"a command that only reads wants to change `{path}`")
