"""Conversations that are made anew: killed at any moment, with names that linger, saved and begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses, together
from tests.support.mortal import Death, MortalFiles, PowerOff

DEMO = together(
    conversation(
        "a: Hello",
        "b: Hello",
        "c: Bye",
        settings="unmanaged: delete; participants: [{identity: ann}, {identity: bob}]; "
        "timeline: {start: -2h}",
    ),
    conversation("x: One", "y: Two", name="d", settings="unmanaged: delete; state: inactive"),
    conversation("k: Alpha", "l: Beta", name="e", settings="unmanaged: delete"),
)
BODIES = {"c": ["Hello", "Hello", "Bye"], "d": ["One", "Two"], "e": ["Alpha", "Beta"]}
RESET = Options(reset=True)


def play(desk: Desk) -> None:
    """Apply the demo, and let others do in it what they like."""
    desk.apply(DEMO)
    store, service = desk.emulator.store, desk.service_sid
    desk.post("c", "Hello")
    store.messages.delete(service, "c", desk.messages("c")[1]["sid"])
    store.participants.create(service, "c", {"Identity": "zoe"})
    store.messages.delete(service, "e", desk.messages("e")[0]["sid"])
    store.participants.create(service, "e", {"Identity": "zoe"})
    store.conversations.update(service, "c", {"State": "closed"})
    store.conversations.update(service, "d", {"State": "closed"})
    desk.elapsed += 60


def people(desk: Desk, name: str) -> list[str]:
    """Return who is in a conversation."""
    rows = desk._rows(
        "SELECT identity FROM participants WHERE conversation ="
        " (SELECT id FROM conversations WHERE unique_name = ?) ORDER BY identity",
        name,
    )
    return [identity for (identity,) in rows]


def expect_reset(desk: Desk, at: object = "") -> None:
    """Hold what is there against the manifest; nothing is left to do."""
    store, service = desk.emulator.store, desk.service_sid
    assert {name: desk.bodies(name) for name in desk.conversations} == BODIES, at
    assert {name: people(desk, name) for name in BODIES} == {"c": ["ann", "bob"], "d": [], "e": []}, at
    states = {name: store.conversations.get(service, name).state for name in BODIES}
    assert states == {"c": "active", "d": "inactive", "e": "active"}, at
    assert desk.plan(DEMO).actions == desk.plan(DEMO, RESET).actions == (), at


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator and a state, with a day behind them."""
    with Desk(tmp_path) as desk:
        play(desk)
        yield desk


def killed(folder: Path, at: int, *, handled: bool, saved: bool, lost: bool) -> bool:
    """Reset in a process that dies at request number *at*, and again; return whether it died."""
    folder.mkdir()
    with Desk(folder) as desk:
        play(desk)
        plan = desk.save(DEMO, RESET) if saved else b""
        death = Death("request", at, torn=False)
        desk.fault(Fault("*", Invoke(death.request, after=handled)))
        files = MortalFiles(death)
        with suppress(PowerOff):
            if saved:
                desk.apply_saved(plan, files=files)
            else:
                desk.apply(DEMO, RESET, files=files)
        desk.fault()
        if death.dead:
            if lost:
                Path(f"{desk.state_path}.journal").unlink(missing_ok=True)
            if saved:
                assert {one.status for one in desk.apply_saved(plan).results} <= {Status.DONE}, at
            else:
                desk.apply(DEMO, RESET)
        expect_reset(desk, at)
        return death.dead


@pytest.mark.parametrize("lost", [False, True], ids=["journal kept", "journal lost"])
@pytest.mark.parametrize("saved", [False, True], ids=["at once", "saved"])
@pytest.mark.parametrize("handled", [False, True], ids=["not handled", "handled"])
def test_killed_at_any_request_it_goes_on(
    tmp_path: Path,
    handled: bool,  # noqa: FBT001  # drawn
    saved: bool,  # noqa: FBT001  # drawn
    lost: bool,  # noqa: FBT001  # drawn
) -> None:
    """Every conversation is there once, and says what the manifest says, once."""
    at = 1
    while killed(tmp_path / str(at), at, handled=handled, saved=saved, lost=lost):
        at += 1
    assert at > 25


def test_a_lost_reply_to_the_create_is_found(desk: Desk) -> None:
    """The new conversation is told from the one whose name it has."""
    desk.fault("create_conversation:1:reset_after")

    desk.apply(DEMO, RESET)

    expect_reset(desk)
    assert desk.state.bindings["desk/c"].created


def test_what_fails_is_finished_by_a_plain_apply(desk: Desk) -> None:
    """The old conversation is gone and forgotten: nothing of it is missing, and no guard holds back."""
    desk.fault("create_conversation:400/50300")
    assert statuses(desk.apply(DEMO, RESET))["desk/c"] is Status.FAILED
    desk.fault()

    desk.apply(DEMO)

    expect_reset(desk)


def test_the_dates_of_a_demo_stay_together(desk: Desk) -> None:
    """A ticket that is made anew is of the same day as before; `--re-anchor` moves it."""
    anchor = desk.state.bindings["desk/c"].anchor
    desk.set_clock(hours=30)

    desk.apply(DEMO, RESET)

    assert desk.state.bindings["desk/c"].anchor == anchor is not None
    dates = [message["date_created"] for message in desk.messages("c")]
    assert dates[0] == anchor.instant
    desk.post("c", "typed")
    desk.emulator.store.conversations.update(desk.service_sid, "c", {"State": "closed"})
    desk.apply(DEMO, Options(reset=True, re_anchor=True))
    moved = desk.state.bindings["desk/c"].anchor
    assert moved is not None
    assert moved.instant > anchor.instant
    expect_reset(desk)


def test_pictures_are_posted_again(tmp_path: Path) -> None:
    """A file is uploaded once more, as each can be attached once."""
    (tmp_path / "car.jpg").write_bytes(b"a car")
    manifest = conversation("{key: car, media: {file: car.jpg}}", "a: Hello", settings="unmanaged: delete")
    with Desk(tmp_path) as desk:
        desk.apply(manifest)
        desk.emulator.store.conversations.update(desk.service_sid, "c", {"State": "closed"})

        desk.apply(manifest, RESET)

        assert [bool(message["media"]) for message in desk.messages("c")] == [True, False]
        assert desk.plan(manifest, RESET).actions == ()


def test_an_application_that_was_told_sees_it_end_once(desk: Desk) -> None:
    """Each action begins once and ends once, however many requests it takes."""
    outcome = desk.apply(DEMO, RESET)

    began = [action.address for action in desk.began if action.verb.value == "replace"]
    assert len(began) == len(set(began))
    assert {result.status for result in outcome.results} == {Status.DONE}
    assert len(desk.ended) == len(outcome.results)
