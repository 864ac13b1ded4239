"""`fmt`: files in canonical form, or none touched."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from tests.support.golden import expect_golden
from tests.support.project import ROOT, Project

UGLY = """\
# a demo
version:   1
services:
    s:
        conversations:
            c:
                messages:
                - key:  a   # first
                  body: |
                      One
                        two
                - {key: b,body: Hi}
"""
TIDY = """\
# a demo
version: 1
services:
  s:
    conversations:
      c:
        messages:
          - key: a # first
            body: |
              One
                two
          - {key: b, body: Hi}
"""


def test_files_are_formatted_and_named(project: Project) -> None:
    """Without paths, those of the folder `manifests`; a second time there is nothing to do."""
    project.write("manifests/ugly.yaml", UGLY)
    project.write("manifests/tidy.yaml", TIDY)

    first, second = project.run("fmt", check=0), project.run("fmt", check=0)

    assert (first.out, second.out) == ("manifests/ugly.yaml\n", "")
    assert (project.folder / "manifests/ugly.yaml").read_text(encoding="utf-8") == TIDY


def test_check_writes_nothing(project: Project) -> None:
    """It names the files, and exits 1 if there are any."""
    project.write("ugly.yaml", UGLY)
    project.write("tidy.yaml", TIDY)

    ran = project.run("fmt", "--check", "ugly.yaml", "tidy.yaml", check=1)

    assert ran.out == "ugly.yaml\n"
    assert (project.folder / "ugly.yaml").read_text(encoding="utf-8") == UGLY
    project.run("fmt", "--check", "tidy.yaml", check=0)


def test_diff_shows_what_would_change(project: Project) -> None:
    """And writes nothing; text is made harmless."""
    project.write("ugly.yaml", UGLY.replace("Hi}", '"\u202e"}'))

    expect_golden(project.run("fmt", "--diff", "ugly.yaml"), "fmt-diff")
    assert (project.folder / "ugly.yaml").read_text(encoding="utf-8").startswith("# a demo\nversion:   1")


@pytest.mark.parametrize("text", [UGLY, UGLY.replace("\n", "\r\n"), UGLY.rstrip("\n"), TIDY.rstrip("\n")])
def test_a_diff_can_be_applied(project: Project, text: str) -> None:
    """Whatever the ends of lines are, and also where the last one is missing."""
    (project.folder / "ugly.yaml").write_bytes(text.encode())
    diff = subprocess.run(
        [sys.executable, "-m", "reconciler", "fmt", "--diff", "ugly.yaml"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        check=True,
    ).stdout

    command = ["git", "apply", "-p0", "--whitespace=nowarn", "-"]
    subprocess.run(command, cwd=project.folder, input=diff, check=True)

    assert project.run("fmt", "--check", "ugly.yaml", check=0).out == ""


def test_broken_files_are_left_alone(project: Project) -> None:
    """They are told with their place; the others are formatted."""
    project.write("m/broken.yaml", "version: 1\nversion: 1\n")
    project.write("m/latin.yaml", "version: 1\n")
    (project.folder / "m/latin.yaml").write_bytes(b"version: 1  # \xe9\n")
    project.write("m/ugly.yaml", UGLY)

    ran = project.run("fmt", "m", check=1)

    assert ran.out == "m/ugly.yaml\n"
    assert "--> m/broken.yaml:2:1" in ran.err
    assert "--> m/latin.yaml:1:15" in ran.err
    assert (project.folder / "m/broken.yaml").read_text(encoding="utf-8") == "version: 1\nversion: 1\n"


def test_the_examples_are_formatted() -> None:
    """Those that people start from."""
    assert Project(ROOT).run("fmt", "--check", "examples").out == ""


def test_yamllint_finds_nothing_in_the_examples() -> None:
    """With the rules that stand beside them, warnings included."""
    command = [sys.executable, "-m", "yamllint", "--strict", "-c", "examples/.yamllint", "examples"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)

    assert (ran.returncode, ran.stdout) == (0, "")


def test_other_readers_read_the_examples() -> None:
    """PyYAML finds mappings in each, as we do."""
    texts = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "examples").rglob("*.yaml"))]
    read = [value for text in texts for value in yaml.safe_load_all(text)]

    assert len(read) > 10
    assert all(isinstance(value, dict) for value in read)
