"""One part of the manifests: the same as if all were loaded and cut, in a part of the memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.cache import ParsedFiles
from reconciler.manifest.files import manifest_files
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.load import load
from reconciler.manifest.part import load_part
from reconciler.model import Desired
from reconciler.model.cut import part_of_desired
from reconciler.model.shard import Shard
from tests.support import rich_world
from tests.support.project import ROOT

EXAMPLES = ("quickstart", "support-desk", "storefront")
SHARDS = (Shard(1, 1), Shard(1, 2), Shard(2, 2), Shard(3, 5))
BROKEN = sorted((ROOT / "tests" / "manifests" / "broken").glob("*.y*ml"))


def same(paths: list[Path], shard: Shard, inputs: Inputs = Inputs(), **how: object) -> Desired:  # noqa: B008  # frozen
    """Return the part of *paths*, which was loaded as a part and equals the cut of the whole."""
    expected = part_of_desired(load(paths, inputs), shard.has)
    assert load(paths, inputs, shard=shard, **how) == expected  # type: ignore[arg-type]
    return expected


def many(folder: Path, *, files: int, rooms: int, messages: int) -> Path:
    """Return a folder with manifests of so many conversations each, and so many messages in each of those."""
    for number in range(files):
        conversations = {
            f"room-{number}-{room}": {
                "messages": [
                    {
                        "key": f"m{at}",
                        "author": f"a{at % 7}",
                        "body": f"text {number} {room} {at}, as long as most",
                    }
                    for at in range(messages)
                ]
            }
            for room in range(rooms)
        }
        text = rich_world.manifest({"desk": conversations})
        (folder / f"{number:03}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("shard", SHARDS, ids=str)
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_cut_alike(name: str, shard: Shard) -> None:
    """Media files, several files and templates included."""
    same([ROOT / "examples" / name], shard)


@pytest.mark.parametrize("shard", SHARDS, ids=str)
def test_blocks_and_references_are_cut_alike(tmp_path: Path, shard: Shard) -> None:
    """Blocks may name what another part has: then all is loaded."""
    (tmp_path / "desk.yaml").write_text(rich_world.after("IM" + "0" * 32), encoding="utf-8")
    (tmp_path / "first.yaml").write_text("version: 1\nservices: {zoo: {}}\n", encoding="utf-8")

    part = same([tmp_path], shard)

    assert part.doubts or not shard.has("support/room-13")
    assert set(part.awaits) == {"fresh", "support"}


@pytest.mark.parametrize("processes", [0, 2])
def test_many_files_are_cut_alike(tmp_path: Path, processes: int) -> None:
    """With processes, from a cache and into it."""
    folder = many(tmp_path, files=40, rooms=1, messages=200)
    cache = ParsedFiles(tmp_path / "cache", folder)

    for _ in range(2):
        part = same([folder], Shard(2, 4), known=cache, processes=processes)

    assert 0 < len(part.services[0].conversations) < 20
    assert len(part.order) == 40
    assert load_part(manifest_files([folder], None), Inputs(), None, 0, Shard(2, 4)) == part


@pytest.mark.parametrize("path", BROKEN, ids=lambda one: one.stem)
def test_what_is_wrong_anywhere_is_found_by_every_part(path: Path) -> None:
    """In the same words, at the same places."""
    with pytest.raises(ManifestError) as whole:
        load([path])

    for shard in SHARDS:
        with pytest.raises(ManifestError) as part:
            load([path], shard=shard)
        assert part.value.problems == whole.value.problems


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a: {messages: [{key: x, body: x}]}", "a: {messages: [{key: y, body: y}]}"),
        ("a: {unique_name: u}", "b: {unique_name: u}"),
        (f"a: {{sid: CH{'0' * 32}}}", f"b: {{sid: CH{'0' * 32}}}"),
        *[
            (
                f"a{n}: {{messages: [{{key: x, media_sid: ME{'0' * 32}}}]}}",
                f"b{n}: {{messages: [{{key: x, media_sid: ME{'0' * 32}}}]}}",
            )
            for n in range(4)
        ],
    ],
)
def test_conflicts_between_files_are_found_by_every_part(tmp_path: Path, first: str, second: str) -> None:
    """Whichever of the two belongs to it, or none."""
    for name, conversation in (("1", first), ("2", second)):
        text = f"version: 1\nservices: {{desk: {{conversations: {{{conversation}}}}}}}\n"
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")

    for number in range(1, 8):
        with pytest.raises(ManifestError, match="twice"):
            load([tmp_path], shard=Shard(number, 7))


def test_a_part_of_four_takes_at_most_a_third_of_the_memory(tmp_path: Path) -> None:
    """Its own conversations, and little of the others."""
    folder = many(tmp_path, files=64, rooms=8, messages=40)

    def load_part_of_four(number: int) -> Desired:
        return load([folder], shard=Shard(number, 4))

    load_part_of_four(1)  # what is imported and read ahead is not counted
    whole = peak(lambda: load([folder]))

    for number in range(1, 5):
        assert peak(partial(load_part_of_four, number)) * 3 <= whole


def peak(work: Callable[[], object]) -> int:
    """Return the most bytes that *work* had allocated at once, its result included.

    It is the least of three runs, as other threads of the process allocate memory too.
    """
    peaks = []
    for _ in range(3):
        tracemalloc.start()
        try:
            kept = work()
            assert kept is not None
            peaks.append(tracemalloc.get_traced_memory()[1])
            del kept
        finally:
            tracemalloc.stop()
    return min(peaks)
