"""What users write, for mypy alone: the public names are typed, and mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_type

import pytest

import reconciler
from reconciler import api
from reconciler.emulator import Emulator
from reconciler.model import RemoteMessage
from reconciler.pytest_plugin import Reconciled
from reconciler.testing import Backend, World, reconciled


def plan_then_apply(paths: Sequence[Path]) -> None:
    """Plan, look, apply exactly that, destroy."""
    demo = reconciler.api.settings(Emulator(), state="demo.state.json", settle=0)
    desired = api.load(*paths, "more.yaml")
    made = api.plan(desired, demo, api.Options(adopt=True), lock_timeout=5)
    assert_type(made, api.SavedPlan)
    assert_type(made.plan.counts.destroy, int)
    assert_type(api.apply(made, demo), api.Outcome)
    assert_type(api.apply(desired, demo), api.Outcome)
    api.destroy(demo, desired=desired)
    api.apply(demo, desired)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(reconciler.plan(reconciler.load(*paths), demo), api.SavedPlan)
    reconciler.apply(demo, desired)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def awaited(desired: api.Desired, demo: api.Settings) -> None:
    """Do the same, awaited."""
    assert_type(await api.aplan(desired, demo), api.SavedPlan)
    try:
        assert_type(await api.aapply(desired, demo), api.Outcome)
    except api.Incomplete as error:
        assert_type(error.outcome, api.Outcome)
    assert_type(await api.adestroy(demo), api.Outcome)


@pytest.fixture(scope="module")
def world(reconciled_module: Reconciled) -> World:
    """Return a world that the tests of a module share."""
    return reconciled_module(
        "support.yaml",
        Path("more.yaml"),
        variables={"name": "Ann"},
        allow_existing=True,
        allow_close=True,
        templates="any",
    )


def test(world: World, reconciler_backend: Backend) -> None:
    """Use everything that a world has."""
    assert_type(world.sid("support"), str)
    conversation = world.conversation("support/order-4711")
    assert_type(conversation.sid("welcome"), str)
    assert_type(conversation.messages(), tuple[RemoteMessage, ...])
    conversation.assert_transcript([("alice", "Hello"), (None, None)])
    conversation.assert_transcript(["Hello"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    world.faults.add("create_message:1:reset_after")
    world.webhooks.to(
        "http://127.0.0.1:8000/after", pre="http://127.0.0.1:8000/before", events=["onMessageAdd"]
    )
    assert_type([one.parameters["Body"] for one in world.webhooks.received], list[str])
    assert_type(world.webhooks.auth_token, str)
    assert_type(reconciler_backend.base_url, str)
    with reconciled("support.yaml", endpoint="twilio", workspace="demo", variables={"n": 1}) as other:
        assert_type(other, World)
    with world as same:
        assert_type(same, World)
