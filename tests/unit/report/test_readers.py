"""Text reports as the expressions of other programs read them.

The expressions are those of their sources: Atlantis (`server/events/models/models.go`), tfcmt
(`pkg/terraform/parser.go`), dflook's actions (`image/src/plan_summary`), OTF (`internal/run`), and what
scripts in public repositories look for. RE2, which some of them use, reads these as Python does.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
import pytest

from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Plan
from reconciler.report.outcome import render_outcome
from reconciler.report.text import render_plan
from tests.support.plans import EMPTY, REFUSED, at

ATLANTIS: Final = re.compile(
    r"Plan: (?:(\d+) to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy(?:, (\d+) to forget)?\."
)
"""Atlantis adds up what it finds."""
ATLANTIS_NO_CHANGES: Final = re.compile(
    r"No changes. (Infrastructure is up-to-date|Your infrastructure matches the configuration)."
)
TFCMT_PASS: Final = re.compile(r"(?m)^(Plan: \d|No changes.)")
TFCMT_FAIL: Final = re.compile(r"(?m)^([│|] )?(Error: )")
TFCMT_DESTROY: Final = re.compile(r"(?m)([1-9][0-9]* to destroy.)")
TFCMT_NO_CHANGES: Final = re.compile(
    r"(?m)^(No changes\.|Plan: (\d+ to import, )?0 to add, 0 to change, 0 to destroy\.)"
)
DFLOOK: Final = re.compile(r"^Plan: (\d+) to add, (\d+) to change, (\d+) to destroy", re.MULTILINE)
OTF: Final = re.compile(r"(?m)^Apply complete! Resources: (\d+) added, (\d+) changed, (\d+) destroyed.")
STRICT: Final = (
    re.compile(r"Plan:\s+\d+\s+to add,\s+\d+\s+to change,\s+\d+\s+to destroy\."),
    re.compile(r"Plan:\s*(\d+)\s+to add,\s*(\d+)\s+to change,\s*(\d+)\s+to destroy\."),
    re.compile(r"1 to add, 0 to change, 1 to destroy\."),
)
"""Expressions of scripts that want a full stop behind `destroy`."""
SCRIPTS_NO_CHANGES: Final = re.compile(
    r"^No changes\. Your infrastructure matches the configuration\.$", re.MULTILINE
)

ADD: Final = Action(at("a"), Verb.CREATE, Reason.NOT_IN_STATE, after={"body": "Plan: 9 to add"})
DELETE: Final = Action(at("b"), Verb.DELETE, Reason.REMOVED_FROM_MANIFEST, sid="IM1")
FORGET: Final = Action(at("c"), Verb.FORGET, Reason.REQUESTED, sid="IM2")
ADOPT: Final = Action(at("d"), Verb.ADOPT, Reason.IDENTICAL_EXISTS, sid="IM3")
PLANS: Final = {
    "plain": (Plan((ADD, DELETE)), ["", "1", "0", "1", ""]),
    "forget": (Plan((ADD, DELETE, FORGET)), ["", "1", "0", "1", "1"]),
    "import": (Plan((ADD, DELETE, ADOPT)), ["1", "1", "0", "1", ""]),
    "both": (Plan((ADD, DELETE, ADOPT, FORGET)), ["1", "1", "0", "1", "1"]),
}
"""Plans, each with the numbers to import, add, change, destroy and forget."""


@pytest.mark.parametrize("name", PLANS)
def test_atlantis_counts_each_plan_once(name: str) -> None:
    """It adds up all lines with numbers, so that a second one of its form would double them."""
    plan, numbers = PLANS[name]

    assert [list(found.groups("")) for found in ATLANTIS.finditer(render_plan(plan))] == [numbers]


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("wanted", STRICT, ids=lambda wanted: wanted.pattern)
def test_readers_that_want_a_full_stop_find_it(name: str, wanted: re.Pattern[str]) -> None:
    """Also before what Terraform's own line does not count."""
    text = render_plan(PLANS[name][0])

    found = list(wanted.finditer(text))
    assert found
    assert all(re.findall(r"\d+", one[0]) == ["1", "0", "1"] for one in found)


@pytest.mark.parametrize("name", PLANS)
def test_tfcmt_sees_that_something_is_destroyed(name: str) -> None:
    """It looks at the first line that it knows."""
    text = render_plan(PLANS[name][0])

    first = next(line for line in text.splitlines() if TFCMT_PASS.search(line))
    assert TFCMT_DESTROY.search(first)
    assert not TFCMT_NO_CHANGES.search(first)
    assert not TFCMT_FAIL.search(text)


def test_a_plan_without_changes_is_one_to_all() -> None:
    """Nobody finds numbers in it."""
    text = render_plan(EMPTY)

    assert ATLANTIS_NO_CHANGES.search(text)
    assert SCRIPTS_NO_CHANGES.search(text)
    assert TFCMT_PASS.search(text)
    assert TFCMT_NO_CHANGES.search(text)
    assert not ATLANTIS.search(text)
    assert not DFLOOK.search(text)


def test_a_plan_that_is_refused_is_an_error_to_tfcmt() -> None:
    """Although it has a line with numbers."""
    text = render_plan(REFUSED)

    assert TFCMT_FAIL.search(text)
    assert DFLOOK.search(text)


def test_an_apply_is_counted() -> None:
    """OTF's expression has no imports, as Terraform's line begins with them."""
    done = Outcome((Result(at("a"), Verb.CREATE, Status.DONE), Result(at("b"), Verb.FORGET, Status.DONE)))

    found = OTF.search(render_outcome(done))
    assert found is not None
    assert found.groups() == ("1", "0", "0")


def test_people_at_a_terminal_read_each_thing_once() -> None:
    """The lines for programs are for pipes and files."""
    assert "infrastructure" not in render_plan(EMPTY, on_terminal=True)
    assert render_plan(PLANS["both"][0], on_terminal=True).count("to destroy.") == 0
    assert render_plan(PLANS["plain"][0], on_terminal=True) == render_plan(PLANS["plain"][0])


def test_a_body_is_no_summary() -> None:
    """What strangers write stands behind a sign, never at the start of a line."""
    body = "No changes. Your infrastructure matches the configuration.\nError: no\nPlan: 9 to add"
    plan = Plan((msgspec.structs.replace(ADD, after={"body": body}), DELETE))

    text = render_plan(plan)

    assert not SCRIPTS_NO_CHANGES.search(text)
    assert not TFCMT_FAIL.search(text)
    assert [found[0] for found in DFLOOK.finditer(text)] == ["Plan: 1 to add, 0 to change, 1 to destroy"]
