"""Which files are read: links that stay inside a folder, links that lead out, and folders that are linked."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.manifest.files import is_manifest, manifest_files

SECRET = "TWILIO_AUTH_TOKEN: sesame-open"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one manifest, beside another folder with a secret and a manifest."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    (tmp_path / "outside" / "m.yaml").write_text(SECRET)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "own.yaml").write_text("version: 1\n")
    return tmp_path / "manifests"


def found(*paths: Path) -> list[str]:
    """Return the manifests that *paths* name, relative to the first folder's parent."""
    return [str(file.relative_to(paths[0].parent)) for file in manifest_files(paths)]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("x.yaml", "../outside/secret"),
        ("x.yaml", "../outside/nothing"),
        ("x.yaml", "/proc/self/environ"),
        ("x.yaml", "/dev/zero"),
        ("sub", "../outside"),
        ("sub", "/"),
        ("deep/sub", "../.."),
    ],
)
def test_a_link_out_of_the_folder_is_refused_by_name(folder: Path, name: str, target: str) -> None:
    """Whatever is there is not looked at, so nothing of it is in the error."""
    (folder / "deep").mkdir()
    (folder / name).symlink_to(target)

    with pytest.raises(UsageError) as caught:
        manifest_files([folder])

    assert caught.value.text == f"cannot read `{folder / name}`: it is a link out of the folder `{folder}`"


def test_a_link_that_leads_out_by_way_of_another_is_refused(folder: Path) -> None:
    """Its end is what counts."""
    (folder / "a.yaml").symlink_to("b")
    (folder / "b").symlink_to("../outside/secret")

    with pytest.raises(UsageError, match=r"cannot read `.*a\.yaml`: it is a link out of the folder"):
        manifest_files([folder])


def test_what_could_hold_no_manifest_is_left_alone(folder: Path) -> None:
    """Files of other names and hidden ones may lead anywhere."""
    (folder / "notes.txt").symlink_to("../outside/secret")
    (folder / ".git").symlink_to("../outside")
    (folder / "gone").symlink_to("../nowhere")
    (folder / "loop").symlink_to("loop")

    assert found(folder) == ["manifests/own.yaml"]


def test_a_path_that_is_named_is_followed(folder: Path) -> None:
    """Be it a folder or a file: whoever names it wants it."""
    (folder.parent / "link").symlink_to("outside")
    (folder.parent / "one.yaml").symlink_to("outside/m.yaml")

    assert found(folder.parent / "link") == ["link/m.yaml"]
    assert found(folder.parent / "one.yaml") == ["one.yaml"]


def test_links_that_stay_inside_are_read_once_under_their_own_name(folder: Path) -> None:
    """A file that has no name of its own that counts is called by the link, as Kubernetes mounts them."""
    (folder / "a.yaml").symlink_to("own.yaml")
    (folder / "a").symlink_to("z")
    (folder / "z").mkdir()
    (folder / "z" / "m.yaml").touch()
    (folder / "..data").mkdir()
    (folder / "..data" / "config").touch()
    (folder / "config.yaml").symlink_to("..data/config")

    assert found(folder) == ["manifests/config.yaml", "manifests/own.yaml", "manifests/z/m.yaml"]


def test_folders_that_are_linked_to_each_other_end(folder: Path) -> None:
    """Twelve of them have more than a hundred million ways through."""
    names = [f"f{number:02}" for number in range(12)]
    for name in names:
        (folder / name).mkdir()
        (folder / name / "m.yaml").touch()
        for other in names:
            (folder / name / other).symlink_to(f"../{other}")

    assert found(folder) == [*(f"manifests/{name}/m.yaml" for name in names), "manifests/own.yaml"]


def test_a_loop_that_is_called_a_manifest_is_an_error(folder: Path) -> None:
    """It cannot be left out without a word."""
    (folder / "loop.yaml").symlink_to("loop.yaml")

    with pytest.raises(UsageError, match="cannot read `"):
        manifest_files([folder])


@pytest.mark.parametrize(
    ("file", "is_one"),
    [
        ("manifests/own.yaml", True),
        ("manifests/new.yml", True),
        ("manifests/deep/new.yaml", True),
        ("manifests/plan.bin", False),
        ("manifests/.hidden.yaml", False),
        ("manifests/.hidden/new.yaml", False),
        ("new.yaml", False),
        ("one.txt", True),
        ("link/new.yaml", True),
    ],
)
def test_a_name_tells_whether_it_would_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, file: str, *, is_one: bool
) -> None:
    """Also before anything is there, and by way of a link."""
    monkeypatch.chdir(folder.parent)
    Path("link").symlink_to("manifests")

    assert is_manifest(Path(file), [Path("manifests"), Path("one.txt")]) is is_one
