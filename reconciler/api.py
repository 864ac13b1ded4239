"""Plan and apply from Python: what the commands do, as functions.

    from reconciler import api

    demo = api.settings("emulator", state="demo.state.json")
    desired = api.load("manifests/demo.yaml")
    outcome = api.apply(desired, demo)
    api.destroy(demo)

To decide in between, plan first and apply exactly that plan:

    made = api.plan(desired, demo)
    if not made.plan.counts.destroy:
        api.apply(made, demo)

`aplan`, `aapply` and `adestroy` are the same for async code. All of them hold the lock of the state
while they work, and raise the errors of `reconciler.errors`. The endpoint may be an `Emulator`: then the
application under test and these functions share one account, in this process.

A process that has sent requests to a server waits at its exit for the thread that carried them, usually one
millisecond: pyreqwest's thread may still be in Python, and a process that ends then is aborted.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from reconciler.emulator import Emulator
from reconciler.errors import ApplyError, PlanError, UsageError, require_several
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.load import load as load_manifests
from reconciler.model import Desired
from reconciler.operations.apply import plan_and_apply
from reconciler.operations.apply_saved import apply_saved
from reconciler.operations.plan import make_plan
from reconciler.operations.session import NOTHING, Settings
from reconciler.plans.actions import Action
from reconciler.plans.options import Options
from reconciler.plans.outcome import Outcome, Result
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import SavedPlan
from reconciler.report.outcome import failure
from reconciler.runtime.concurrency import finish
from reconciler.runtime.interrupts import Interrupts
from reconciler.state.stores.holder import this_process
from reconciler.twilio.endpoint import TWILIO, Endpoint

__all__ = [
    "NOTHING",
    "Desired",
    "Emulator",
    "Incomplete",
    "Options",
    "Outcome",
    "Plan",
    "SavedPlan",
    "Settings",
    "aapply",
    "adestroy",
    "aplan",
    "apply",
    "destroy",
    "load",
    "plan",
    "settings",
]

_DEFAULTS = Options()


class Incomplete(ApplyError):
    """Not every action was carried out; applying again does the rest."""

    def __init__(self, text: str, *, hint: str | None, outcome: Outcome) -> None:
        super().__init__(text, hint=hint)
        self.outcome = outcome
        """The result of each action."""


def load(
    *paths: str | os.PathLike[str],
    variables: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
    allow_env: Sequence[str] = (),
) -> Desired:
    """Return what the manifests at *paths* (files or folders) declare, with values for their *variables*.

    *environ* gives values as `RECONCILER_VAR_name`; manifests may refer to its names in *allow_env*. Raises
    ManifestError with every problem of every file. Raises UsageError for a path that cannot be read, and for
    a value that cannot be used.
    """
    require_several({"allow_env": allow_env})
    inputs = Inputs(environ, allowed_env=tuple(allow_env), values=variables or {})
    return load_manifests([Path(path) for path in paths], inputs)


def settings(
    endpoint: str | Emulator = TWILIO,
    *,
    state: str | os.PathLike[str] = "reconciler.state.json",
    parallelism: int = 10,
    rate: float | None = None,
    settle: float = 10,
    max_wait: float = 120,
    allow_insecure_endpoint: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the settings of an operation; each argument means what the option of that name means.

    *endpoint* is `twilio`, `emulator`, `emulator:FILE`, an http(s) address, or an emulator of this
    process. Credentials come from *environ* alone. All times are in seconds. Raises UsageError.
    """
    if isinstance(endpoint, str):
        where: Endpoint | Emulator = Endpoint.parse(
            endpoint, environ, allow_insecure_host=allow_insecure_endpoint
        )
    else:
        where = endpoint
    for name, value, least in (
        ("parallelism", parallelism, 1),
        ("settle", settle, 0),
        ("max_wait", max_wait, 0),
    ):
        if not value >= least:  # `not >=` instead of `<`: NaN must be refused too
            raise UsageError(f"`{name}` is {value}", hint=f"it must be {least} or more")
    if rate is not None and not rate > 0:
        raise UsageError(f"`rate` is {rate}", hint="it must be more than 0, or None for no bound")
    return Settings(
        endpoint=where,
        state=state if isinstance(state, str) else Path(state),
        parallelism=parallelism,
        rate=rate,
        settle=settle,
        max_wait=max_wait,
    )


async def aplan(
    desired: Desired, settings: Settings, options: Options = _DEFAULTS, *, lock_timeout: float = 0
) -> SavedPlan:
    """Plan the changes that would make the live messages equal *desired*; nothing is changed.

    The plan itself is `.plan`: its `actions`, `counts`, `warnings`, and whether it is `applyable`. The
    returned value can be applied as it is, also later. Raises PlanError if no plan can be made, and
    ManifestError if *desired* names another account.
    """
    async with _locked("plan", settings, lock_timeout, reading=True) as held:
        return await make_plan(desired, held, msgspec.structs.replace(options, record=True))


async def aapply(
    what: Desired | SavedPlan,
    settings: Settings,
    options: Options = _DEFAULTS,
    *,
    lock_timeout: float = 0,
) -> Outcome:
    """Make the live messages equal *what*, exactly once and in order; a SavedPlan is carried out as it is.

    *options* are for making a plan. Raises PlanError, with the first reason, if the plan is not applyable, or
    if a saved one is stale. Raises Incomplete if an action failed. The state holds every action that was
    carried out, also when this is cancelled.
    """
    done: Outcome | None
    command = "destroy" if options.destroy else "apply"
    async with _locked(command, settings, lock_timeout) as held:
        if isinstance(what, SavedPlan):
            watcher = _approve(what.plan)
            done = await apply_saved(what, held, desired=None, watcher=watcher, interrupts=_NoSignals())
        else:
            done = await plan_and_apply(what, held, options, approve=_approve, interrupts=_NoSignals())
    assert done is not None  # noqa: S101 - `_approve` approves or raises
    error = failure(done, command)
    if error is not None:
        raise Incomplete(error.text, hint=error.hint, outcome=done)
    return done


async def adestroy(
    settings: Settings,
    options: Options = _DEFAULTS,
    *,
    desired: Desired = NOTHING,
    lock_timeout: float = 0,
) -> Outcome:
    """Delete every managed message, and the parents that this tool created; raises as `aapply` does.

    Raises PlanError if *desired* protects one of them with `prevent_destroy`.
    """
    options = msgspec.structs.replace(options, destroy=True)
    return await aapply(desired, settings, options, lock_timeout=lock_timeout)


def plan(
    desired: Desired, settings: Settings, options: Options = _DEFAULTS, *, lock_timeout: float = 0
) -> SavedPlan:
    """Do what `aplan` does, and wait for it."""
    return finish(aplan(desired, settings, options, lock_timeout=lock_timeout))


def apply(
    what: Desired | SavedPlan,
    settings: Settings,
    options: Options = _DEFAULTS,
    *,
    lock_timeout: float = 0,
) -> Outcome:
    """Do what `aapply` does, and wait for it."""
    return finish(aapply(what, settings, options, lock_timeout=lock_timeout))


def destroy(
    settings: Settings,
    options: Options = _DEFAULTS,
    *,
    desired: Desired = NOTHING,
    lock_timeout: float = 0,
) -> Outcome:
    """Do what `adestroy` does, and wait for it."""
    return finish(adestroy(settings, options, desired=desired, lock_timeout=lock_timeout))


class _SilentWatcher:
    """A watcher that reports nothing."""

    def started(self, action: Action) -> None:
        """Report nothing."""

    def halfway(self, action: Action, sid: str | None) -> None:
        """Report nothing."""

    def finished(self, result: Result) -> None:
        """Report nothing."""


class _NoSignals(Interrupts):
    """Leaves signals to the surrounding program."""

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Handle no signal."""
        yield


def _approve(made: Plan) -> _SilentWatcher:
    if made.refusals:
        first, *rest = made.refusals
        more = f" (and {len(rest)} more)" if rest else ""
        raise PlanError(f"the plan is not applyable: {first.text}{more}", hint=first.hint)
    return _SilentWatcher()


@asynccontextmanager
async def _locked(
    command: str, settings: Settings, seconds: float, *, reading: bool = False
) -> AsyncIterator[Settings]:
    """Hold the lock of the state, and yield the settings with which to work under it."""
    holder = this_process(command, os.environ, datetime.now(UTC))
    store = settings.store()
    async with store.lock_async(holder, timeout=seconds, settle=settings.settle, reading=reading):
        yield msgspec.structs.replace(settings, held=store)
