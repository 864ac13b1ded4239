"""Nothing is posted twice although the state is lost, or older than the conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.planner.actions import Verb
from reconciler.planner.draft import Options
from tests.desk import Desk, NotApplyable, conversation

STRICT = "order: strict"
ADOPT = Options(adopt=True)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator and a state."""
    with Desk(tmp_path) as made:
        yield made


def photo(desk: Desk, text: str) -> str:
    """Return a manifest of a message with a file that holds *text*."""
    (desk.folder / "photo.txt").write_text(text)
    return conversation("{key: a, media: {file: photo.txt}}", "b: Bye")


STORIES: dict[str, tuple[Callable[[Desk], str], Callable[[Desk], str], Options, list[str | None]]] = {
    "order": (
        lambda _: conversation("a: One", "b: Two", settings=STRICT),
        lambda _: conversation("z: Zero", "a: One", "b: Two", settings=STRICT),
        Options(),
        ["Zero", "One", "Two"],
    ),
    "requested": (
        lambda _: conversation("a: One", "b: Two"),
        lambda _: conversation("a: One", "b: Two"),
        Options(replace=("desk/c/a",)),
        ["Two", "One"],
    ),
    "immutable field": (
        lambda desk: photo(desk, "old"),
        lambda desk: photo(desk, "newer"),
        Options(),
        ["Bye", None],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_replacement_whose_state_was_put_back_is_not_posted_again(desk: Desk, story: str) -> None:
    """An apply ended before it deleted; then the state from before it came back, as a cache gives it."""
    first, second, options, bodies = STORIES[story]
    desk.apply(first(desk))
    older = desk.state_path.read_bytes()
    manifest = second(desk)
    desk.fault("delete_message:500")
    desk.apply(manifest, options)
    desk.fault()
    desk.state_path.write_bytes(older)
    posted = desk.count("create_message")

    with pytest.raises(NotApplyable, match="there already"):
        desk.apply(manifest, options)
    adopting = Options(adopt=True, replace=options.replace)
    desk.apply(manifest, adopting)

    assert desk.count("create_message") == posted
    assert [body or None for body in desk.bodies("c")] == bodies
    assert desk.plan(manifest).actions == ()


def test_a_server_that_trims_doubles_nothing_once_the_state_is_lost(desk: Desk) -> None:
    """What is there is refused, then adopted as it is; later plans have nothing to do."""
    manifest = conversation('{key: a, body: "Hello\\n"}', "{key: b, author: Bob, body: Bye}")
    desk.emulator.store.services.create({"FriendlyName": "desk"})
    desk.emulator.store.conversations.create(desk.service_sid, {"UniqueName": "c"})
    desk.post("c", "Hello")
    desk.post("c", "Bye", Author="bob")

    with pytest.raises(NotApplyable, match="2 messages to be created in `desk/c` stand there already"):
        desk.apply(manifest)
    outcome = desk.apply(manifest, ADOPT)

    assert [result.verb for result in outcome.results] == [Verb.ADOPT, Verb.ADOPT]
    assert desk.bodies("c") == ["Hello", "Bye"]
    assert desk.plan(manifest).actions == ()
    assert desk.state.bindings["desk/c/a"].observed.keys() == {"body"}
    assert desk.state.bindings["desk/c/b"].observed.keys() == {"author"}


def test_a_moved_key_takes_over_the_copy_of_its_message(desk: Desk) -> None:
    """The old message is superseded under the new address, and nothing is left under the old one."""
    desk.apply(photo(desk, "old"))
    older = desk.state_path.read_bytes()
    moved = "moved: [{from: desk/c/a, to: desk/c/new}]\n" + photo(desk, "newer").replace("key: a", "key: new")
    desk.fault("delete_message:500")
    desk.apply(moved)
    desk.fault("delete_message:500")
    desk.state_path.write_bytes(older)

    desk.apply(moved, ADOPT)

    bindings = desk.state.bindings
    assert "desk/c/a" not in bindings
    assert len(bindings["desk/c/new"].superseded) == 1
    desk.fault()
    desk.apply(moved)
    assert len(desk.bodies("c")) == 2
