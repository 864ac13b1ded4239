"""The same conversations for every test: made when the test begins, thrown away when it ends.

    from reconciler.testing import reconciled

    with reconciled("support.yaml") as world:
        application.answer(world.sid("support/order-4711"))
        world.conversation("support/order-4711").assert_transcript(
            [("alice", "Where is my order?"), ("bot", "On its way.")]
        )

Every service of the manifests is made anew, under a unique name, so tests that run side by side never
see each other's messages. `pytest_plugin` offers the same as fixtures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconciler.operations.ephemeral import DEFAULT_WORKSPACE
from reconciler.testing.backend import Backend, Teardown
from reconciler.testing.caller import folder_of_caller
from reconciler.testing.sdk import sdk_client
from reconciler.testing.target import MEMORY, Faults, Templates
from reconciler.testing.webhooks import Webhooks
from reconciler.testing.world import LiveConversation, World

__all__ = [
    "MEMORY",
    "Backend",
    "Faults",
    "LiveConversation",
    "Teardown",
    "Templates",
    "Webhooks",
    "World",
    "reconciled",
    "sdk_client",
]


def reconciled(
    *paths: str | os.PathLike[str],
    variables: Mapping[str, Any] | None = None,
    endpoint: str = MEMORY,
    workspace: str = DEFAULT_WORKSPACE,
    teardown: Teardown = Teardown.ON,
    allow_existing: bool = False,
    allow_delivery: bool = False,
    allow_close: bool = False,
    templates: Templates | None = None,
) -> AbstractContextManager[World]:
    """Make what the manifests at *paths* declare, and throw it away when the block ends.

    Paths are relative to the file of the caller, or to the working folder for a prompt. *endpoint* is
    `memory`, `emulator:FILE`, `twilio`, or an http(s) address. `reconciler sweep --workspace` finds the
    services by *workspace*, should this process be killed. All else is as for `Backend.world`.
    """
    folder = folder_of_caller()
    return _reconciled(
        [folder / path for path in paths],
        variables=variables,
        endpoint=endpoint,
        workspace=workspace,
        teardown=teardown,
        allow_existing=allow_existing,
        allow_delivery=allow_delivery,
        allow_close=allow_close,
        templates=templates,
    )


@contextmanager
def _reconciled(paths: list[Path], *, endpoint: str, workspace: str, **how: Any) -> Iterator[World]:
    with (
        TemporaryDirectory(prefix="reconciler-") as folder,
        closing(Backend(endpoint, folder=Path(folder), workspace=workspace)) as backend,
        backend.world(*paths, **how) as world,
    ):
        yield world
