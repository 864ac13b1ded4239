"""Parts of a plan as files: joined to one plan that is applied as if one machine had made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.errors import PlanError
from reconciler.model.shard import Shard
from reconciler.operations.plan_parts import make_part, merge_parts, plan_of_part
from reconciler.plans.options import Options
from reconciler.plans.planfile import SavedPart, decode_plan, decode_saved, encode_plan
from reconciler.plans.redact import part_withheld
from reconciler.report.json import plan_document
from tests.support.desk import Desk
from tests.support.rich_world import manifest, text, texts

SECRET = "s3cret"


def wanted(**changes: Any) -> str:
    """Return a manifest of twelve conversations, one of them with a sensitive text."""
    rooms: dict[str, Any] = {f"room-{number}": {"messages": texts(*"ab")} for number in range(12)}
    rooms["room-3"]["messages"].append(text("code", body="${var.code}"))
    variables = {"code": {"type": "string", "sensitive": True, "default": SECRET}}
    return manifest({"desk": {**rooms, **changes}}, variables=variables)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk without anything."""
    with Desk(tmp_path) as made:
        yield made


def file_of(desk: Desk, text: str, shard: Shard, options: Options = Options()) -> bytes:  # noqa: B008  # frozen
    """Return the file of one part."""
    settings = msgspec.structs.replace(desk.settings(), shard=shard)
    options = msgspec.structs.replace(options, record=True)
    part = desk.run(make_part(desk.desired(text), settings, options, shard))
    return encode_plan(msgspec.structs.replace(part, part=part_withheld(part.part)))


def part_in(data: bytes) -> SavedPart:
    """Return the part in a file."""
    saved = decode_saved(data)
    assert isinstance(saved, SavedPart)
    return saved


def parts(desk: Desk, text: str, count: int) -> dict[str, SavedPart]:
    """Return the parts of *count* machines by the name of their file, from a state that they share."""
    return {
        f"part-{number}": part_in(file_of(desk, text, Shard(number, count))) for number in range(1, count + 1)
    }


def test_what_several_machines_planned_is_applied_as_one_plan(desk: Desk) -> None:
    """Exactly what was planned; then nothing is left to be done."""
    desk.apply(wanted())
    changed = wanted(new={"messages": texts(*"xyz")}, **{"room-5": {"messages": texts(*"abc")}})
    merged = merge_parts(parts(desk, changed, 3))

    outcome = desk.apply_saved(encode_plan(merged))

    assert [one.address for one in outcome.results] == [
        "desk/room-5/c", "desk/new", "desk/new/x", "desk/new/y", "desk/new/z",
    ]  # fmt: skip
    assert not desk.plan(changed).actions


def test_parts_of_a_first_plan_begin_one_state(desk: Desk) -> None:
    """Nothing is there yet that could give it a lineage, and nothing is written by a plan."""
    merged = merge_parts(parts(desk, wanted(), 2))

    desk.apply_saved(encode_plan(merged), wanted())

    assert desk.state.lineage == merged.plan.lineage
    assert not desk.plan(wanted()).actions


def test_no_part_holds_a_sensitive_value(desk: Desk) -> None:
    """Its file can lie where files lie; the manifests give the value again."""
    files = [file_of(desk, wanted(), Shard(number, 2)) for number in (1, 2)]
    assert all(SECRET.encode() not in file for file in files)

    merged = merge_parts({str(at): part_in(file) for at, file in enumerate(files)})
    assert SECRET not in str(plan_document(merged.plan, timestamp="", version=""))


def test_a_part_is_no_plan(desk: Desk) -> None:
    """The error names the command that makes one; what it would do can be shown."""
    data = file_of(desk, wanted(), Shard(2, 3))

    with pytest.raises(PlanError, match="the file is part 2/3 of a plan") as error:
        decode_plan(data)
    assert "reconciler plan merge PART" in str(error.value.hint)
    shown = plan_of_part(part_in(data))
    assert shown.actions
    assert not shown.applyable
    document = plan_document(shown, timestamp="", version="")
    assert (document["applyable"], document["complete"]) == (False, False)


def test_a_damaged_part_is_refused(desk: Desk) -> None:
    """As a damaged plan is."""
    data = file_of(desk, wanted(), Shard(1, 2))

    with pytest.raises(PlanError, match="damaged"):
        decode_saved(data.replace(b"text of a", b"text of b", 1))


def _changed(saved: SavedPart, name: str, value: Any) -> SavedPart:
    """Return *saved* with another field, its own or that of its part."""
    if name in SavedPart.__struct_fields__:
        return msgspec.structs.replace(saved, **{name: value})
    return msgspec.structs.replace(saved, part=msgspec.structs.replace(saved.part, **{name: value}))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("reconciler_version", "0.0.1", "by different releases"),
        ("account_sid", "AC2", "for different accounts"),
        ("origin", "https://example.org", "for different endpoints"),
        ("environment", "prod", "in different environments: none and prod"),
        ("lineage", "1" * 32, r"for different states \(lineage\)"),
        ("manifest_digest", "sha256:1", "from different manifests"),
        (
            "options",
            Options(record=True, targets=("desk/a",)),
            r"with different options: `--target` \(\) and",
        ),
    ],
)
def test_parts_of_different_plans_are_not_joined(desk: Desk, name: str, value: object, told: str) -> None:
    """The error says in what they differ, and names both files."""
    desk.apply(wanted())
    made = parts(desk, wanted(), 2)
    made["part-2"] = _changed(made["part-2"], name, value)

    with pytest.raises(PlanError, match=f"`part-1` and `part-2` were made {told}"):
        merge_parts(made)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda made: made.pop("part-2"), "part 2/3 is missing"),
        (lambda made: (made.pop("part-2"), made.pop("part-3")), "parts 2/3, 3/3 are missing"),
        (
            lambda made: made.update({"again": made["part-1"]}),
            "`part-1` and `again` are both part 1/3",
        ),
        (
            lambda made: made.update({"part-2": _changed(made["part-2"], "shard", Shard(2, 4))}),
            "`part-1` is part 1/3, and `part-2` is part 2/4",
        ),
    ],
    ids=["one missing", "two missing", "twice", "of another number"],
)
def test_every_part_is_needed_once(
    desk: Desk, change: Callable[[dict[str, SavedPart]], object], told: str
) -> None:
    """Else something would be left out, or judged twice."""
    desk.apply(wanted())
    made = parts(desk, wanted(), 3)
    change(made)

    with pytest.raises(PlanError, match=told):
        merge_parts(made)
