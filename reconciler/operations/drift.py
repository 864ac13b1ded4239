"""Look for what was changed remotely since the last apply.

Nothing can be written on the way: the session sends nothing but GET, and the state's files refuse.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec

from reconciler.errors import StateError
from reconciler.model import Desired
from reconciler.operations.session import NOTHING, Settings, open_session
from reconciler.planner.build import build_plan
from reconciler.planner.drift import count_pending, plan_refresh
from reconciler.planner.refactoring import prepare
from reconciler.planner.refactoring_actions import finish
from reconciler.planner.timeline import resolve_times
from reconciler.plans.options import Options
from reconciler.plans.plan import Drift, Plan
from reconciler.plans.redact import mark
from reconciler.plans.sid_references import fill
from reconciler.refresh.remote import refresh
from reconciler.state.files import Files
from reconciler.state.stores.file import StateStore


async def look_for_drift(desired: Desired | None, settings: Settings) -> Plan:
    """Return a plan without actions and records, whose drift compares what is live with the state.

    With *desired* it counts the changes that are pending in the manifests too. Raises StateError if there
    is no state. No lock is needed.
    """
    store = StateStore(settings.state, files=_Unchanging())
    if not store.path.exists():
        raise StateError(
            f"there is no state at `{store.path}`, so nothing was applied that could have drifted",
            hint="name one with `--state`, or run `reconciler apply` first",
        )
    settings = dataclasses.replace(settings, files=_Unchanging())
    async with open_session(settings, desired, read_only=True) as session:
        await session.settle(0)
        options, client = Options(), session.client
        prepared = prepare(desired or NOTHING, session.state, options)
        state = prepared.state
        timed = resolve_times(prepared.desired, state, settings.now())
        remote = await refresh(client, timed.desired, state, options, removals=desired is not None)
        wanted = fill(timed.desired, remote).desired
        found = mark(plan_refresh(wanted, remote, state, options), wanted, state)
        drift = found.drift or Drift(())
        if desired is not None:
            made = finish(build_plan(wanted, remote, state, options), prepared, remote)
            drift = msgspec.structs.replace(drift, pending=count_pending(made, drift))
        return msgspec.structs.replace(
            found, drift=drift, records=(), requests_read=session.client.counters.read
        )


class _Unchanging(Files):
    """A disk on which nothing can be changed: whoever tries is wrong."""

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
