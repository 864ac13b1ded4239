"""Repairs of a state: moves, removals, and what may take its place."""

from __future__ import annotations

import msgspec
import pytest

from reconciler.errors import StateError
from reconciler.model import is_address
from reconciler.state.edit import check_successor, close, move, remove
from reconciler.state.model import State
from reconciler.state.remembered import Binding, Intent

LINEAGE = "1f" * 16


def state_of(*addresses: str, serial: int = 7) -> State:
    """Return a state in which each address is bound to a sid of its own."""
    bindings = {address: Binding(sid=f"sid of {address}") for address in addresses}
    return State(LINEAGE, "AC1", "https://conversations.twilio.com", serial=serial, bindings=bindings)


def sids(state: State) -> dict[str, str]:
    """Return which sid each address stands for."""
    return {address: binding.sid for address, binding in state.bindings.items()}


@pytest.mark.parametrize(
    "address", ["desk", "desk/order", "desk/order[4711]/hello", "desk/order/participants/bob"]
)
def test_these_are_addresses(address: str) -> None:
    """A service, a conversation, a message and a participant have one."""
    assert is_address(address)


@pytest.mark.parametrize(
    "text", ["", "/", "desk/", "desk//hello", "a/b/c/d", "a/b/participants/c/d", "a b", "*"]
)
def test_these_are_no_addresses(text: str) -> None:
    """Empty parts, too many of them, blanks and globs."""
    assert not is_address(text)


def test_a_move_renames_everything_below() -> None:
    """Participants and messages go along with their conversation; a neighbour of similar name does not."""
    state = state_of("desk", "desk/a", "desk/a/m", "desk/a/participants/bob", "desk/ab")

    moved = move(state, "desk/a", "desk/b")

    assert moved == ["desk/a", "desk/a/m", "desk/a/participants/bob"]
    assert sids(state) == {
        "desk": "sid of desk",
        "desk/ab": "sid of desk/ab",
        "desk/b": "sid of desk/a",
        "desk/b/m": "sid of desk/a/m",
        "desk/b/participants/bob": "sid of desk/a/participants/bob",
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("desk/a/nobody", "desk/a/x", "nothing is bound to `desk/a/nobody`"),
        ("desk/a/m", "desk/a/n", "`desk/a/n` is bound already, to sid of desk/a/n"),
        ("desk/a", "desk/b", "`desk/b/m` is bound already"),
        ("desk/a/m", "desk/a/m", "is bound already"),
        ("desk/a/m", "desk/b/m2", "on Twilio it stays in `desk/a`"),
        ("desk/a", "shop/a", "on Twilio it stays in `desk`"),
        ("desk/a/m", "desk/a", "cannot stand for a message"),
        ("desk/a/m", "desk/a/no blanks", "cannot stand for a message"),
        ("desk/a/open", "desk/a/x", "nothing is bound"),
        ("desk/c", "desk/d", "left open whether `desk/c/open` was created"),
    ],
)
def test_a_move_that_cannot_be_changes_nothing(old: str, new: str, said: str) -> None:
    """The error names the address at fault."""
    state = state_of("desk", "desk/a", "desk/a/m", "desk/a/n", "desk/b/m", "desk/c", "shop")
    state.intents = {address: Intent(address) for address in ("desk/a/open", "desk/c/open")}
    before = msgspec.json.encode(state)

    with pytest.raises(StateError) as caught:
        move(state, old, new)

    assert said in caught.value.text
    assert caught.value.hint
    assert msgspec.json.encode(state) == before


def test_a_removal_takes_along_what_is_inside() -> None:
    """Removing a conversation removes its messages and its open creates."""
    state = state_of("desk", "desk/a", "desk/a/m", "desk/ab")
    state.intents = {"desk/a/open": Intent("desk/a/open")}

    assert remove(state, ["desk/a"]) == ["desk/a", "desk/a/m", "desk/a/open"]
    assert list(state.bindings) == ["desk", "desk/ab"]
    assert not state.intents


def test_closing_an_open_replacement_keeps_what_the_address_stands_for() -> None:
    """The old message would be left behind otherwise; an open create of something new is no replacement."""
    state = state_of("desk", "desk/a", "desk/a/m")
    for key in ("m", "n"):
        state.intents[f"desk/a/{key}"] = Intent(f"desk/a/{key}")

    closed = close(state, ["desk/a/m", "desk/a/n", "desk/a"])

    assert closed == ["desk/a/m"]
    assert list(state.intents) == ["desk/a/n"]
    assert sids(state)["desk/a/m"] == "sid of desk/a/m"


def test_a_glob_without_a_match_removes_nothing() -> None:
    """A typing error beside a good glob stops both."""
    state = state_of("desk", "desk/a")

    with pytest.raises(StateError, match=r"nothing is bound to `shop/\*`"):
        remove(state, ["desk/a", "shop/*"])

    assert list(state.bindings) == ["desk", "desk/a"]


def test_a_state_may_follow_an_equal_serial() -> None:
    """What was pulled and edited has the serial of the state that it replaces."""
    check_successor(state_of("desk"), state_of("desk", "shop"), older=False)


def test_any_state_may_be_the_first() -> None:
    """Where none is yet, there is nothing to compare with."""
    check_successor(None, state_of("desk"), older=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"serial": 6}, "its serial is 6, and the state is at 7"),
        ({"lineage": "2e" * 16}, f"{'2e' * 16}, not {LINEAGE}"),
        ({"account_sid": "AC2"}, "account AC2 at https://conversations.twilio.com, not to account AC1"),
        ({"origin": "emulator:x"}, "at emulator:x, not to"),
    ],
)
def test_a_state_of_another_history_is_refused(change: dict[str, object], said: str) -> None:
    """Both sides are named."""
    pushed = msgspec.structs.replace(state_of("desk"), **change)

    with pytest.raises(StateError) as caught:
        check_successor(state_of("desk"), pushed, older=False)

    assert said in caught.value.text


def test_force_permits_an_older_state_and_nothing_else() -> None:
    """Another lineage stays refused."""
    check_successor(state_of("desk"), state_of("desk", serial=1), older=True)

    with pytest.raises(StateError, match="lineage"):
        check_successor(
            state_of("desk"), msgspec.structs.replace(state_of("desk"), lineage="2e" * 16), older=True
        )


def test_one_sid_under_two_addresses_is_refused() -> None:
    """Such a state would delete a message twice."""
    pushed = state_of("desk")
    pushed.bindings["shop"] = pushed.bindings["desk"]

    with pytest.raises(StateError, match="twice, to `desk` and to `shop`"):
        check_successor(None, pushed, older=False)
