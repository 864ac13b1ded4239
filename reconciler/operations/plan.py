"""Make a plan that can be saved."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from reconciler._version import __version__
from reconciler.model import Desired
from reconciler.model.canonical import canonical_instant
from reconciler.operations.session import Settings, open_session
from reconciler.plans.options import Options
from reconciler.plans.planfile import FORMAT_VERSION, SavedPlan


async def make_plan(desired: Desired, settings: Settings, options: Options) -> SavedPlan:
    """Return what *desired* needs, ready to be saved. Nothing is written, remotely or to the state."""
    async with open_session(settings, desired) as session:
        await session.settle(0)
        return SavedPlan(
            format_version=FORMAT_VERSION,
            id=os.urandom(16).hex(),
            reconciler_version=__version__,
            created_at=canonical_instant(datetime.now(UTC)),
            account_sid=session.state.account_sid,
            origin=session.state.origin,
            plan=await session.plan(desired, options),
            destroy=options.destroy,
            environment=settings.environment,
        )
