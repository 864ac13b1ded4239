"""Manifests and a state in parts: every conversation is in exactly one, its bindings beside its manifest."""

from __future__ import annotations

import pytest

from reconciler.model import Conversation, Desired, Import, Move, Service, conversation_of
from reconciler.model.cut import part_of_desired
from reconciler.model.shard import Shard, group_of
from reconciler.planner.cut import belongs_to, groups_needed, part_of_state
from reconciler.state.model import State
from reconciler.state.remembered import Binding, InFlight, Intent

PARTS = tuple(Shard(number, 5) for number in range(1, 6))


def desired(*names: str, **blocks: object) -> Desired:
    """Return manifests with these conversations of one service."""
    conversations = tuple(Conversation(name, "m.yaml", 1) for name in names)
    return Desired((Service("desk", "m.yaml", 1, conversations=conversations),), "sha256:0", **blocks)  # type: ignore[arg-type]


def state(*addresses: str) -> State:
    """Return a state that has these addresses bound, and a create of each open."""
    return State(
        "0" * 32,
        "AC1",
        "emulator:1",
        bindings={address: Binding(address) for address in addresses},
        in_flight={address: InFlight() for address in addresses},
        intents={address: Intent(address) for address in addresses},
    )


def test_every_conversation_is_in_one_part() -> None:
    """The order of all is known to each, and services are in all."""
    names = [f"room-{number}" for number in range(50)]
    whole = desired(*names)

    parts = [part_of_desired(whole, shard.has) for shard in PARTS]

    assert sorted(one.name for part in parts for one in part.services[0].conversations) == sorted(names)
    assert {part.order for part in parts} == {tuple(f"desk/{name}" for name in names)}
    assert all(part_of_desired(part, shard.has) == part for part, shard in zip(parts, PARTS, strict=True))


def test_what_is_imported_goes_with_its_conversation() -> None:
    """A service that is imported is imported by every part: it is planned by each."""
    imports = (Import("desk", "IS1"), Import("desk/a", "CH1"), Import("desk/b/x", "IM1"))

    parts = [part_of_desired(desired("a", "b", imports=imports), shard.has).imports for shard in PARTS]

    assert all(part[0] == imports[0] for part in parts)
    assert sorted(one.address for part in parts for one in part[1:]) == ["desk/a", "desk/b/x"]


def test_a_state_goes_with_the_manifests() -> None:
    """Messages and people with their conversation, and what is known of services with every part."""
    addresses = [
        f"desk/room-{number}{rest}" for number in range(20) for rest in ("", "/a", "/participants/b")
    ]
    whole = state("desk", *addresses)

    parts = [part_of_state(whole, belongs_to(shard, ())) for shard in PARTS]

    for part, shard in zip(parts, PARTS, strict=True):
        assert all(shard.has(conversation_of(address)) for address in part.bindings.keys() - {"desk"})
        assert part.bindings.keys() == part.intents.keys() == part.in_flight.keys()
    assert sorted(address for part in parts for address in part.bindings) == sorted(
        [*addresses, *["desk"] * 5]
    )


@pytest.mark.parametrize(
    "moves",
    [
        (Move("desk/old", "desk/new"),),
        (Move("desk/old", "desk/between"), Move("desk/between", "desk/new")),
        (Move("shop", "desk"), Move("desk/old", "desk/new")),
    ],
    ids=["once", "twice", "with its service"],
)
def test_what_moves_is_where_it_goes(moves: tuple[Move, ...]) -> None:
    """Its bindings have the old address, its manifest the new one: one part sees both."""
    old = "shop/old" if moves[0].previous == "shop" else "desk/old"
    whole = state(old, f"{old}/a")

    for shard in PARTS:
        part = part_of_state(whole, belongs_to(shard, moves))

        assert (set(part.bindings) == {old, f"{old}/a"}) == shard.has("desk/new")
        needed = groups_needed(shard, moves)
        assert needed is None or not part.bindings or group_of(old) in needed


def test_only_the_groups_that_are_needed_are_read() -> None:
    """All, if a service moves: its conversations are not known by name."""
    shard = Shard(2, 64)

    assert groups_needed(shard, ()) == frozenset({1})
    assert groups_needed(shard, (Move("shop", "desk"),)) is None
