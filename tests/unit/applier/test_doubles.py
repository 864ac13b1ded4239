"""Nothing is posted twice although the state is lost, or older than the conversation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from reconciler.plans.actions import Verb
from reconciler.plans.options import Options
from tests.support.desk import Desk, NotApplyable, conversation

STRICT = "order: strict"
ADOPT = Options(adopt=True)


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


LONG = 1501
"""So many messages that a page of the listing does not hold them."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A conversation in which others wrote a lot, and whose newest message is bound to `last`."""
    with Desk(tmp_path_factory.mktemp("long")) as desk:
        service = desk.emulator.store.services.create({"FriendlyName": "desk"}).sid
        desk.emulator.store.conversations.create(service, {"UniqueName": "c"})
        for number in range(LONG - 1):
            desk.post("c", f"number {number}")
        sid = desk.post("c", "The last")
        block = f"import: [{{to: desk/c/last, sid: {sid}}}]\n"
        desk.apply(block + conversation("last: The last"))
        yield desk


def reads(desk: Desk, *messages: str, options: Options = Options()) -> tuple[list[str], Counter[str]]:  # noqa: B008  # frozen
    """Return the codes of what holds the plan of these messages back, and the requests that it took."""
    desk.emulator.requests.clear()
    plan = desk.plan(conversation(*messages), options)
    requests = Counter(request.kind for request in desk.emulator.requests)
    assert plan.requests_read == requests.total()
    return [refusal.code for refusal in plan.refusals], requests


PARENTS = {"fetch_service": 1, "fetch_conversation": 1}


@pytest.mark.parametrize("key", ["last", "renamed"])
def test_where_nothing_is_created_only_what_is_bound_is_read(long: Desk, key: str) -> None:
    """A rename is no create, although its key is new."""
    assert reads(long, f"{key}: The last") == ([], Counter(PARENTS | {"fetch_message": 1}))


@pytest.mark.parametrize("options", [Options(), Options(adopt="desk/other"), Options(duplicate="*/other")])
def test_a_create_is_compared_with_the_whole_conversation(long: Desk, options: Options) -> None:
    """Its double stands far below the newest page, and below the highest message that is bound."""
    codes, requests = reads(long, "last: The last", "again: number 3", options=options)

    assert codes == ["identical_exists"]
    assert requests == Counter(PARENTS | {"fetch_message": 1, "list_messages": 2, "list_participants": 1})


def test_what_is_to_be_posted_again_is_compared_with_the_whole_conversation(long: Desk) -> None:
    """A message that vanished is created, so its double counts wherever it stands."""
    state = long.state_path.read_bytes()
    try:
        text = state.decode().replace('"index":1500', '"index":1499')
        binding = long.state.bindings["desk/c/last"]
        long.state_path.write_text(text.replace(binding.sid, "IM" + "0" * 32))

        assert reads(long, "last: number 7")[0] == ["identical_exists"]
    finally:
        long.state_path.write_bytes(state)


def test_where_doubles_do_not_matter_the_listing_is_not_read(long: Desk) -> None:
    """`--duplicate` needs the newest message alone, by which a saved plan is judged."""
    codes, requests = reads(
        long, "last: The last", "again: number 3", options=Options(duplicate="desk/c/again")
    )

    assert codes == []
    assert requests == Counter(PARENTS | {"fetch_message": 1, "list_messages": 1, "list_participants": 1})
