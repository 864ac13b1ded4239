"""`export` and `fmt` in this process: disks that refuse."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli import write_manifests
from reconciler.cli.commands import fmt
from reconciler.errors import ReconcilerError, UsageError
from reconciler.manifest.yaml import format as formatting
from reconciler.model import Service


def formatted(file: Path) -> ReconcilerError:
    """Run `fmt` on a file, and return the error that it ends with."""
    with pytest.raises(ReconcilerError) as caught:
        CliRunner().invoke(fmt.fmt, [str(file)], catch_exceptions=False, standalone_mode=False)
    return caught.value


def test_a_manifest_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A part of its path is a file."""
    (tmp_path / "taken").touch()
    path = tmp_path / "taken" / "a.yaml"

    with pytest.raises(UsageError, match=f"cannot write `{path}`: not a directory"):
        write_manifests.write([Service("s", path="", line=0)], path, {}, force=True)


@pytest.mark.parametrize(("call", "verb"), [("open", "read"), ("write", "write")])
def test_fmt_says_which_file_the_disk_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, verb: str
) -> None:
    """With the system's reason, and nothing is left beside it."""
    file = tmp_path / "a.yaml"
    file.write_text("version:  1\n", encoding="utf-8")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)

    assert formatted(file).text == f"cannot {verb} `{file}`: no space left on device"
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_fmt_names_the_file_that_it_would_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the layout ever be wrong, the file stays as it is."""
    file = tmp_path / "a.yaml"
    file.write_text("version:  1\n", encoding="utf-8")
    monkeypatch.setattr(formatting._Layout, "lines", lambda _: iter(["version: 2\n"]))

    assert formatted(file).text == f"`{file}` cannot be formatted without changing what it says"
    assert file.read_text(encoding="utf-8") == "version:  1\n"


def test_fmt_checks_that_the_result_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken YAML is not written either."""
    file = tmp_path / "a.yaml"
    file.write_text("version:  1\n", encoding="utf-8")
    monkeypatch.setattr(formatting._Layout, "lines", lambda _: iter(["[\n"]))

    assert formatted(file).hint == "the file was left as it is; please report this"
