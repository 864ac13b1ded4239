"""`python -m tests`: every part is run and reported, and what was not run is never green."""

from __future__ import annotations

import re

import pytest

from tests.__main__ import PARTS, main
from tests.parts import UNAVAILABLE, Part, run


def part(name: str, code: str = "", *, within: str = "", only_by_name: str = "") -> Part:
    """Return a part that runs Python *code*."""
    commands = (("python", "-c", code), ("python", "-c", ""))
    return Part(name, "1 s", "does it", commands, within=within, only_by_name=only_by_name)


def table(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """Return the rows that were printed: word and reason by name."""
    rows = re.findall(
        r"^(\w+) +(passed|FAILED|not run) +[\d.]+ s *(.*)$", capsys.readouterr().out, re.MULTILINE
    )
    return {name: (word, why) for name, word, why in rows}


def test_what_fails_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Two failures are two rows, and what comes after them is run."""
    parts = [part("one", "exit(3)"), part("two"), part("three", "exit(4)"), part("four")]

    assert run(parts, ()) == 1
    assert table(capsys) == {
        "one": ("FAILED", "`python -c exit(3)` ended with 3"),
        "two": ("passed", ""),
        "three": ("FAILED", "`python -c exit(4)` ended with 4"),
        "four": ("passed", ""),
    }


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """A part within another was run with it; one by name alone is left out, and the reason is told."""
    parts = [part("all"), part("some", "exit(1)", within="all"), part("slow", "exit(1)", only_by_name="slow")]

    assert run(parts, ()) == 0
    assert table(capsys) == {"all": ("passed", ""), "slow": ("not run", "slow")}


def test_what_is_not_installed_is_not_green(capsys: pytest.CaptureFixture[str]) -> None:
    """A tool that is missing is no success."""
    assert run([Part("lint", "1 s", "", (("no-such-tool",),))], ()) == 1
    assert table(capsys) == {"lint": ("not run", "`no-such-tool` is not installed")}


def test_a_named_part_runs_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that is left out otherwise."""
    parts = [part("all", "exit(1)"), part("some", within="all"), part("slow", "exit(1)", only_by_name="slow")]

    assert run(parts, {"some"}) == 0
    assert capsys.readouterr().out.endswith("\nnot named, so not run: all, slow\n")
    assert run(parts, {"slow"}) == 1
    assert table(capsys)["slow"] == ("FAILED", "`python -c exit(1)` ended with 1")


def test_what_cannot_be_installed_is_no_failure_where_that_is_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is named in the table; a part that was run and failed is one all the same."""
    parts = [part("far", f"exit({UNAVAILABLE})"), part("bad", "exit(1)")]

    assert run(parts, {"far"}) == 1
    assert run(parts, {"far", "bad"}, if_installed=True) == 1
    capsys.readouterr()
    assert run(parts, {"far"}, if_installed=True) == 0
    assert table(capsys)["far"] == (
        "not run",
        f"`python -c exit({UNAVAILABLE})`: what it needs cannot be installed",
    )


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt part is no part that passed."""
    with pytest.raises(SystemExit) as ended:
        main(["unit", "lnit"])

    assert ended.value.code == 2
    assert "no part is called lnit" in capsys.readouterr().err


def test_help_names_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    """With what it takes."""
    with pytest.raises(SystemExit):
        main(["--help"])

    said = capsys.readouterr().out
    assert [name for name in (part.name for part in PARTS) if f"  {name} " not in said] == []
