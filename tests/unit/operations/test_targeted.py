"""`--target` costs what it names: other conversations are not read, and still count where they must."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from reconciler.model.shard import group_of
from reconciler.operations.plan import make_plan
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.plans.seen import Seen
from reconciler.state.stores.grouped import ALL
from reconciler.state.stores.primitives import Blob
from tests.support.blobs import MemoryBlobs, Objects
from tests.support.desk import Desk, NotApplyable
from tests.support.rich_world import manifest, text, texts


class Way(MemoryBlobs):
    """A way to objects that remembers which groups of conversations were read since it was last asked."""

    groups: ClassVar[set[str]] = set()

    async def get(self, name: str) -> Blob | None:
        """Return the object, or None."""
        if (group := name.partition("/")[0]).startswith("g"):
            self.groups.add(group)
        return await super().get(name)

    @classmethod
    def read(cls) -> set[str]:
        """Return the groups, and forget them."""
        groups = {*cls.groups}
        cls.groups.clear()
        return groups


@pytest.fixture(params=["file", "groups"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk with thirty conversations, whose state is in a file, or kept by group of conversations."""
    kept: dict[str, Any] = {"file": {}, "groups": {"there": Objects(), "way": Way, "groups": ALL}}
    with Desk(tmp_path, **kept[request.param]) as made:
        made.apply(wanted())
        made.emulator.requests.clear()
        Way.read()
        yield made


def wanted(**changes: Any) -> str:
    """Return a manifest of thirty conversations with these messages; *changes* has others, None for none."""
    rooms: dict[str, Any] = {f"room-{number}": {"messages": texts(*"abc")} for number in range(30)}
    return manifest({"desk": {name: one for name, one in {**rooms, **changes}.items() if one is not None}})


def targeting(*targets: str, **options: Any) -> Options:
    """Return the options of a plan about *targets*."""
    return Options(targets=targets, **options)


def sids(desk: Desk, *names: str) -> set[str]:
    """Return the sids of conversations."""
    rows = desk._rows("SELECT unique_name, sid FROM conversations")
    return {sid for name, sid in rows if name in names}


def groups_of(*names: str) -> set[str]:
    """Return how the store calls the groups of conversations."""
    return {f"g{group_of(f'desk/{name}'):02d}" for name in names}


def conversations_asked(desk: Desk) -> set[str]:
    """Return the sids of the conversations to which requests were sent."""
    paths = (request.path.partition("/Conversations/")[2] for request in desk.emulator.requests)
    return {path.partition("/")[0] for path in paths} - {""}


def whole(desk: Desk, text: str, options: Options) -> Plan:
    """Return the plan for which everything was read, as a page about all of it needs."""
    seen: list[Seen] = []
    settings = msgspec.structs.replace(desk.settings(), see=seen.append)
    return desk.run(make_plan(desk.desired(text), settings, options)).plan


def test_what_no_target_names_is_not_read(desk: Desk) -> None:
    """Neither to plan nor to apply: three requests instead of thirty-two."""
    changed = wanted(**{"room-7": {"messages": texts(*"abcd")}})
    options = targeting("desk/room-7/*", "desk/room-9")
    meant = {"room-7", "room-9", *sids(desk, "room-7", "room-9")}

    plan = desk.plan(changed, options)

    assert [action.address for action in plan.actions] == ["desk/room-7/d"]
    assert conversations_asked(desk) == meant
    desk.emulator.requests.clear()
    desk.apply(changed, options)
    assert conversations_asked(desk) == meant
    assert desk.bodies("room-7")[3:] == ["text of d"]
    assert not desk.plan(changed).actions


@pytest.mark.parametrize("target", ["desk", "desk/*", "desk/room-?", "*/room-1/a"])
def test_a_glob_that_may_match_anywhere_is_looked_for_everywhere(desk: Desk, target: str) -> None:
    """Only names tell beforehand what is meant."""
    desk.plan(wanted(), targeting(target))

    assert len(conversations_asked(desk)) == 30


def test_messages_elsewhere_count_for_the_guard(desk: Desk) -> None:
    """Much of four conversations is little of all that is managed."""

    def shortened(*numbers: int) -> str:
        return wanted(**{f"room-{number}": {"messages": texts("a")} for number in numbers})

    def naming(*numbers: int) -> Options:
        return targeting(*(f"desk/room-{number}" for number in numbers))

    desk.apply(shortened(*range(4)), naming(*range(4)))
    assert desk.bodies("room-1") == ["text of a"]

    with pytest.raises(NotApplyable, match="refusing to delete or replace 28 of 82 messages"):
        desk.apply(shortened(*range(18)), naming(*range(4, 18)))


def test_an_address_elsewhere_that_means_the_same_conversation_is_found(desk: Desk) -> None:
    """In the manifests, and among what is bound."""
    (sid,) = sids(desk, "room-1")
    by_sid = wanted(second={"sid": sid, "messages": []})
    renamed = wanted(second={"unique_name": "room-1", "messages": []}, **{"room-1": None})
    for world, target in ((by_sid, "room-1"), (by_sid, "second"), (renamed, "second")):
        with pytest.raises(NotApplyable, match=f"are one conversation .{sid}"):
            desk.apply(world, targeting(f"desk/{target}"))


def test_an_exclusion_elsewhere_is_not_called_a_slip(desk: Desk) -> None:
    """Whether it matches is told from everything."""
    plan = desk.plan(wanted(), targeting("desk/room-1", excludes=("desk/room-2", "dsek/*")))

    assert [one.address for one in plan.warnings if one.code == "matches_nothing"] == ["dsek/*"]


def test_what_is_odd_elsewhere_is_not_said(desk: Desk) -> None:
    """Whichever way the plan was made."""
    later = {"messages": [*texts(*"abc"), text("d", date_created="2099-01-01T00:00:00Z")]}
    changed = wanted(**{"room-2": later})
    for target, codes in (("desk/room-1", []), ("desk/room-2", ["date_in_future"]), ("*/room-1", [])):
        for plan in (desk.plan(changed, targeting(target)), whole(desk, changed, targeting(target))):
            found = [one.code for one in plan.warnings if one.code != "partial"]
            assert found == codes


def test_a_page_about_everything_has_everything(desk: Desk) -> None:
    """Who is shown what the plan was made from sees also what it is not about."""
    whole(desk, wanted(), targeting("desk/room-1"))

    assert len(conversations_asked(desk)) == 30


def test_of_a_state_by_group_only_what_is_targeted_is_read(tmp_path: Path) -> None:
    """Unless something is lost, of which the share counts, or found, which may be bound elsewhere."""
    every = groups_of(*(f"room-{number}" for number in range(30)))
    with Desk(tmp_path, there=Objects(), way=Way, groups=ALL) as desk:
        desk.apply(wanted())
        Way.read()
        for change, number in (("abcd", 1), ("abx", 2), ("ab", 1)):
            changed = wanted(**{f"room-{number}": {"messages": texts(*change)} for number in (1, 2)})
            plan = desk.plan(changed, targeting("desk/room-1/*", "desk/room-2"))
            read = Way.read()
            if change == "abcd":
                assert read == groups_of("room-1", "room-2")
            else:
                assert every <= read
            assert plan.applyable
            assert len(plan.actions) == 2 * number
        desk.emulator.store.conversations.create(desk.service_sid, {"UniqueName": "room-99"})
        desk.plan(wanted(**{"room-98": {"messages": texts("a")}}), targeting("desk/room-98"))
        assert Way.read() == groups_of("room-98")
        desk.plan(wanted(**{"room-99": {"messages": texts("a")}}), targeting("desk/room-99"))
        assert every <= Way.read()


def test_a_create_elsewhere_that_was_open_does_not_make_a_plan_stale(tmp_path: Path) -> None:
    """The plan has not read that it was open; the apply finds what became of it."""
    changed = wanted(**{f"room-{number}": {"messages": texts(*"abcd")} for number in (1, 2)})
    with Desk(tmp_path, there=Objects(), groups=ALL) as desk:
        desk.apply(wanted())
        desk.fault(
            "create_message:1:reset_after", *(f"list_messages:{number}:503" for number in range(3, 99))
        )
        outcome = desk.apply(changed, targeting("desk/room-2"))
        assert [result.kind for result in outcome.results] == ["outcome_unknown"]
        desk.fault()
        saved = desk.save(changed, targeting("desk/room-1"))

        desk.apply_saved(saved)

        assert desk.bodies("room-1") == desk.bodies("room-2") == [f"text of {key}" for key in "abcd"]
        assert not desk.plan(changed).actions
