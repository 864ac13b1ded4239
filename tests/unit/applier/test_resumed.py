"""A saved plan whose apply was killed, or could not do everything, goes on where it was."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.errors import PlanError
from reconciler.model import parent_of
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses, together
from tests.support.mortal import Death, MortalFiles, PowerOff

BEFORE = together(
    conversation(
        "a: Hello",
        "b: To be replaced",
        "old: To be renamed",
        "d: To be deleted",
        settings="friendly_name: Old; participants: [{identity: alice, attributes: {n: 1}}, {identity: bob}]",
    ),
    conversation("k: Keep me", name="goes"),
)
AFTER = together(
    conversation(
        "{key: a, body: Hi, subject: Greeting}",
        "b: To be replaced",
        "new: To be renamed",
        "there: Stands there",
        "x: Hello",
        "y: Hello",
        settings="friendly_name: New; state: inactive; "
        "participants: [{identity: alice, attributes: {n: 2}}, {identity: zoe}]",
    ),
    conversation("m: One", "n: Two", name="comes", settings="state: closed; participants: [{identity: al}]"),
)
OPTIONS = Options(
    adopt=True, replace=("desk/c/b",), max_delete=100, max_delete_percent=True, allow_close=True
)
BODIES = {
    "c": ["Hi", "To be renamed", "Stands there", "To be replaced", "Hello", "Hello"],
    "comes": ["One", "Two"],
}


def begin(desk: Desk) -> bytes:
    """Bring about what stands before, and return a saved plan with an action of every kind."""
    desk.apply(BEFORE)
    desk.post("c", "Stands there")
    desk.elapsed += 60
    return desk.save(AFTER, OPTIONS)


def expect_done(desk: Desk, saved: bytes) -> None:
    """Hold what is there against what is wanted; nothing is left to do, and the plan is used up."""
    store, service = desk.emulator.store, desk.service_sid
    assert {name: desk.bodies(name) for name in desk.conversations} == BODIES
    assert store.conversations.get(service, "c").state == "inactive"
    assert store.conversations.get(service, "comes").state == "closed"
    assert desk.plan(AFTER, Options(allow_close=True)).actions == ()
    assert desk.state.open_plan is None
    with pytest.raises(PlanError, match="this plan was applied already"):
        desk.apply_saved(saved)


def die(desk: Desk, saved: bytes, what: str, at: int, *, half: bool) -> Death:
    """Apply a saved plan in a process that dies at request or call number *at*."""
    death = Death(what, at, torn=half)
    if what == "request":
        desk.fault(Fault("*", Invoke(death.request, after=half)))
    with suppress(PowerOff):
        desk.apply_saved(saved, files=MortalFiles(death))
    desk.fault()
    return death


def killed(folder: Path, what: str, at: int, *, half: bool, lost: bool = False, again: int = 0) -> bool:
    """Apply a saved plan in a process that dies at number *at*, perhaps *again*, and once more.

    Return whether it died.
    """
    folder.mkdir()
    with Desk(folder) as desk:
        saved = begin(desk)
        death = die(desk, saved, what, at, half=half)
        if not death.dead:
            expect_done(desk, saved)
            return False
        if again and not desk.state.used_plans:
            die(desk, saved, what, again, half=half)
        if lost:
            Path(f"{desk.state_path}.journal").unlink(missing_ok=True)
        if not desk.state.used_plans:  # the last thing that it did was not to say that it is done
            undone = [one for one in desk.apply_saved(saved).results if one.status is not Status.DONE]
            assert not undone, f"{what} {at}"
        expect_done(desk, saved)
    return True


@pytest.mark.parametrize("lost", [False, True], ids=["journal kept", "journal lost"])
@pytest.mark.parametrize("half", [False, True], ids=["not handled", "handled"])
def test_killed_at_any_request_it_goes_on(tmp_path: Path, half: bool, lost: bool) -> None:  # noqa: FBT001  # drawn
    """Nothing is doubled, lost or left, whatever became of the request at which the process died."""
    at = 1
    while killed(tmp_path / str(at), "request", at, half=half, lost=lost):
        at += 1
    assert at > 25


@pytest.mark.parametrize("again", [8, 16, 24])
@pytest.mark.parametrize("lost", [False, True], ids=["journal kept", "journal lost"])
def test_killed_again_it_goes_on_too(tmp_path: Path, again: int, lost: bool) -> None:  # noqa: FBT001  # drawn
    """What the second apply found out to be done is known to the third."""
    for at in range(10, 31, 4):
        killed(tmp_path / str(at), "request", at, half=True, lost=lost, again=again)


@pytest.mark.parametrize("half", [False, True], ids=["whole", "torn"])
def test_killed_at_any_call_to_the_disk_it_goes_on(tmp_path: Path, half: bool) -> None:  # noqa: FBT001  # drawn
    """Whatever the disk holds then."""
    at = 1 + half
    while killed(tmp_path / str(at), "call", at, half=half):
        at += 2
    assert at > 40


@pytest.mark.parametrize("refused", range(1, 6))
def test_what_is_done_is_not_done_again(desk: Desk, refused: int) -> None:
    """One message is refused; only what is missing is sent, and reported, by the second apply.

    In which conversation that is depends on the disk. The new one is done once it is created; if its messages
    are missing, what is left of it is to close it.
    """
    saved = begin(desk)
    desk.fault(f"create_message:{refused}:400/50500")
    first = statuses(desk.apply_saved(saved))
    assert Status.FAILED in first.values()
    desk.fault()
    desk.emulator.requests.clear()

    second = statuses(desk.apply_saved(saved))

    left = {address for address, status in first.items() if status is not Status.DONE}
    open_ones = {"desk/comes" for address in left if parent_of(address) == "desk/comes"}
    assert second == dict.fromkeys(left | open_ones, Status.DONE)
    assert desk.count("update_message") == desk.count("create_conversation") == 0
    expect_done(desk, saved)


def test_the_rest_is_checked_as_at_first(desk: Desk) -> None:
    """What somebody changed since is not overwritten, though the plan was begun before."""
    desk.apply(conversation("a: Hello", "b: Bye"))
    saved = desk.save(conversation("a: Hi", "b: Ciao"))
    desk.fault("update_message:1:400/50500")
    desk.apply_saved(saved)
    desk.fault()
    undone = next(at for at, message in enumerate(desk.messages("c")) if message["body"] in {"Hello", "Bye"})
    sid = desk.messages("c")[undone]["sid"]
    desk.emulator.store.messages.update(desk.service_sid, "c", sid, {"Body": "Mine"})

    with pytest.raises(PlanError, match=f"{sid} was changed since: its `body`"):
        desk.apply_saved(saved)


def test_after_another_command_wrote_the_state_it_is_stale(desk: Desk) -> None:
    """It may go on to the state that it left, and to no other."""
    desk.apply(conversation("a: Hello"))
    saved = desk.save(conversation("a: Hello", "b: Bye", "c: Ciao"))
    desk.fault("create_message:2:400/50500")
    desk.apply_saved(saved)
    desk.fault()
    desk.apply(conversation("a: Hello", "b: Bye", "d: Other"))

    with pytest.raises(PlanError, match="stale plan: it was made at state serial 2, the state is now at 6"):
        desk.apply_saved(saved)


def test_a_refresh_is_used_up_too(desk: Desk) -> None:
    """A plan without actions changes the state alone, once."""
    desk.apply(conversation("a: Hello"))
    sid = desk.messages("c")[0]["sid"]
    desk.emulator.store.messages.update(desk.service_sid, "c", sid, {"Body": "Edited"})
    saved = desk.save(conversation("a: Hello"), Options(refresh_only=True))
    desk.apply_saved(saved)

    with pytest.raises(PlanError, match="this plan was applied already"):
        desk.apply_saved(saved)


def test_a_hidden_value_with_a_live_part_goes_through_a_saved_plan(desk: Desk) -> None:
    """What `ignore_changes` leaves alone is read again; the plan holds neither part."""
    said = conversation(
        '{key: a, body: x, attributes: {code: "${var.code}"}, lifecycle: {ignore_changes: [attributes.seen]}}'
    )
    was, now = (
        said.replace("services:", f"variables: {{code: {{sensitive: true, default: {code}}}}}\nservices:")
        for code in ("s3cret", "new-s3cret")
    )
    desk.apply(was)
    sid = desk.messages("c")[0]["sid"]
    live = {"Attributes": '{"code": "s3cret", "seen": "live-s3cret"}'}
    desk.emulator.store.messages.update(desk.service_sid, "c", sid, live)
    saved = desk.save(now)
    assert b"s3cret" not in saved

    desk.apply_saved(saved, now)

    assert desk.messages("c")[0]["attributes"] == '{"code":"new-s3cret","seen":"live-s3cret"}'
    assert desk.plan(now).actions == ()
