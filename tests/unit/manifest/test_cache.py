"""Files that were parsed before: used only for the very same bytes, and never needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest import load as loading
from reconciler.manifest.cache import ParsedFiles
from reconciler.manifest.load import load
from reconciler.model import Desired

MANIFEST = """\
version: 1
services:
  support:
    conversations:
      order:
        unmanaged: delete
        order: strict
        attributes: {vip: true}
        participants: [{identity: alice}]
        messages:
          - {key: one, author: alice, body: Hi, attributes: {a: [1, {b: null}]}}
          - {key: two, author: alice, body: Ho, lifecycle: {ignore_changes: [attributes.a]}}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest with a bit of everything."""
    path = tmp_path / "order.yaml"
    path.write_text(MANIFEST)
    return path


@pytest.fixture
def known(tmp_path: Path) -> ParsedFiles:
    """A folder of entries, which is not there yet."""
    return ParsedFiles(tmp_path / "cache")


def entry(tmp_path: Path) -> Path:
    """Return the only entry."""
    (path,) = (tmp_path / "cache").glob("*/*")
    return path


def refuse_to_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make parsing fail."""

    def parse(data: bytes, path: str) -> None:
        raise AssertionError(f"{path} is parsed: {data[:20]!r}")

    monkeypatch.setattr("reconciler.manifest.parse.parse", parse)


def test_a_known_file_says_the_same_without_being_parsed(
    manifest: Path, known: ParsedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time nothing is parsed, and every value is as before."""
    first = load([manifest], known=known)
    refuse_to_parse(monkeypatch)

    assert load([manifest], known=known) == first


def test_a_changed_file_is_parsed_again(manifest: Path, known: ParsedFiles) -> None:
    """One byte makes it another file."""
    load([manifest], known=known)
    manifest.write_text(MANIFEST.replace("Ho", "Hu"))

    assert body(load([manifest], known=known)) == "Hu"


def test_what_another_name_says_is_not_taken(
    manifest: Path, known: ParsedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content carries the name of its file, so equal files of two names are two entries."""
    load([manifest], known=known)
    other = manifest.rename(tmp_path / "other.yaml")

    assert load([other], known=known).services[0].conversations[0].path == str(other)
    monkeypatch.chdir(tmp_path)
    assert load([Path("other.yaml")], known=known).services[0].conversations[0].path == "other.yaml"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda data: data[:-1], id="cut short"),
        pytest.param(lambda data: data[:20], id="cut inside the key"),
        pytest.param(lambda data: data[:32] + data[32:].replace(b"Ho", b"Hu"), id="another text"),
        pytest.param(lambda data: bytes(32) + data[32:], id="another key"),
    ],
)
def test_a_damaged_entry_is_as_if_it_were_not_there(
    manifest: Path, known: ParsedFiles, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """The file is parsed, and its entry written again."""
    first = load([manifest], known=known)
    sound = entry(tmp_path).read_bytes()
    entry(tmp_path).write_bytes(damage(sound))

    assert load([manifest], known=known) == first
    assert entry(tmp_path).read_bytes() == sound


def test_another_release_reads_for_itself(
    manifest: Path, known: ParsedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this release understood another may understand differently."""
    load([manifest], known=known)
    monkeypatch.setattr("reconciler.manifest.cache.__version__", "0.0.1")
    refuse_to_parse(monkeypatch)

    with pytest.raises(AssertionError, match="is parsed"):
        load([manifest], known=ParsedFiles(tmp_path / "cache"))


def test_a_file_with_a_mistake_is_not_kept(manifest: Path, known: ParsedFiles, tmp_path: Path) -> None:
    """Its problems are found anew each time."""
    manifest.write_text(MANIFEST.replace("body", "bdoy"))
    for _ in range(2):
        with pytest.raises(ManifestError):
            load([manifest], known=known)

    assert not (tmp_path / "cache").exists()


def test_a_file_that_depends_on_more_than_its_bytes_is_not_kept(
    manifest: Path, known: ParsedFiles, tmp_path: Path
) -> None:
    """Variables have other values next time."""
    said = MANIFEST.replace("Ho", "'${var.greeting}'")
    manifest.write_text(said + "variables: {greeting: {default: Ho}}\n")
    load([manifest], known=known)

    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_made_changes_nothing(manifest: Path, tmp_path: Path) -> None:
    """The manifest is read all the same."""
    (tmp_path / "file").touch()

    assert body(load([manifest], known=ParsedFiles(tmp_path / "file" / "cache"))) == "Ho"


def test_entries_are_for_their_owner(manifest: Path, known: ParsedFiles, tmp_path: Path) -> None:
    """They hold the text of messages, and the key is what makes them ours."""
    load([manifest], known=known)

    everything = (tmp_path / "cache", *(tmp_path / "cache").rglob("*"))
    assert len(everything) == 4
    assert [path.stat().st_mode & 0o077 for path in everything] == [0] * 4


def test_two_that_begin_side_by_side_have_one_key(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither had found one when it looked first, as when two parts of a run begin on one machine."""
    other = tmp_path / "other.yaml"
    other.write_text(MANIFEST.replace("order:", "other:", 1))
    pair = [ParsedFiles(tmp_path / "cache") for _ in range(2)]
    assert all(one.get(b"", str(manifest)) is None for one in pair)
    for one, path in zip(pair, (manifest, other), strict=True):
        load((path,), known=one)

    refuse_to_parse(monkeypatch)

    load((manifest, other), known=ParsedFiles(tmp_path / "cache"))


def test_an_entry_of_another_key_is_not_taken(manifest: Path, known: ParsedFiles, tmp_path: Path) -> None:
    """Who can write an entry, as a commit can, does not know the key of this user."""
    load([manifest], known=known)
    planted = ParsedFiles(tmp_path / "theirs")
    manifest.write_text(MANIFEST.replace("Ho", "Hu"))
    load([manifest], known=planted)
    (forged,) = (tmp_path / "theirs").glob("*/*")
    manifest.write_text(MANIFEST)
    key = known.key(manifest.read_bytes(), str(manifest))
    said = forged.read_bytes()[32:]
    for digest in (hashlib.sha256(key + said).digest(), forged.read_bytes()[:32], bytes(32)):
        entry(tmp_path).write_bytes(digest + said)

        assert body(load([manifest], known=ParsedFiles(tmp_path / "cache"))) == "Ho"


@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/environ", "fifo", "copy"])
def test_an_entry_is_a_regular_file(manifest: Path, known: ParsedFiles, tmp_path: Path, target: str) -> None:
    """Nothing is read through a link: not a device without an end, and not even a copy of the entry."""
    first = load([manifest], known=known)
    place = entry(tmp_path)
    place.rename(tmp_path / "copy")
    os.mkfifo(tmp_path / "fifo")
    place.symlink_to(tmp_path / target)

    assert load([manifest], known=ParsedFiles(tmp_path / "cache")) == first
    assert place.is_symlink()


@pytest.mark.parametrize("what", ["cache", "cache/key"])
def test_what_others_may_write_is_not_trusted(
    manifest: Path, known: ParsedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A folder in a shared place could have been made by anyone, key and all."""
    load([manifest], known=known)
    (tmp_path / what).chmod(0o777)
    refuse_to_parse(monkeypatch)

    with pytest.raises(AssertionError, match="is parsed"):
        load([manifest], known=ParsedFiles(tmp_path / "cache"))


def test_the_oldest_folders_make_room(manifest: Path, tmp_path: Path) -> None:
    """The cache of somebody who works in ever new folders does not grow without end."""
    for number in range(40):
        load([manifest], known=ParsedFiles(tmp_path / "cache", Path(f"/checkouts/{number}")))

    assert sum(path.is_dir() for path in (tmp_path / "cache").iterdir()) == 32


def test_the_cache_is_never_part_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in there could have been committed; elsewhere it is the user's own."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "infra").mkdir()
    monkeypatch.chdir(tmp_path / "repo" / "infra")

    for inside in ("repo/.cache", "repo/infra/x", "repo"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / inside))
        assert ParsedFiles.of_user() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert ParsedFiles.of_user() is not None


def test_without_a_folder_nothing_is_kept(manifest: Path, tmp_path: Path) -> None:
    """Whoever uses the library decides."""
    loading.load([manifest])

    assert [path.name for path in tmp_path.iterdir()] == ["order.yaml"]


def body(desired: Desired) -> str | None:
    """Return the body of the last message."""
    return desired.services[0].conversations[0].messages[-1].body


def test_a_folder_whose_name_is_no_text_is_read_each_time(
    manifest: Path, tmp_path: Path, known: ParsedFiles
) -> None:
    """An entry cannot say what it is called, so there is none."""
    odd = tmp_path / os.fsdecode(b"d\xff")
    odd.mkdir()
    manifest.rename(odd / "order.yaml")

    assert load([odd], known=known) == load([odd])
