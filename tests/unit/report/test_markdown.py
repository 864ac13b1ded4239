"""Pull-request comments: found again, within the limit, never without summary and deletions."""

from __future__ import annotations

import re

import pytest

from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Plan, PlanWarning, Refusal
from reconciler.report.disclosure import Bodies
from reconciler.report.markdown import LIMIT, marker, outcome_markdown, plan_markdown
from tests.support.plans import PLAN, at


def changes(count: int, verb: Verb, body: str = "Hello") -> tuple[Action, ...]:
    """Return as many actions, over a hundred conversations."""
    return tuple(
        Action(
            f"support/order-{number % 100}/message-{number:05}",
            verb,
            Reason.CHANGED_IN_MANIFEST,
            before={"body": body},
            after={"body": f"{body} {number}"},
        )
        for number in range(count)
    )


def units(text: str) -> int:
    """Return the length as GitHub's editor counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def test_comment_begins_with_its_marker() -> None:
    """A later run finds the comment of its own key, and no other's."""
    comment = plan_markdown(PLAN, key="prod/desk")

    assert comment.splitlines()[0] == marker("plan", "prod/desk")
    assert marker("plan", "a b") != marker("plan", "a%20b")
    assert "-->" not in marker("plan", "x --> y")[:-3]


def test_ten_thousand_changes_fit_with_summary_and_every_deletion() -> None:
    """The limit costs detail, and the comment says how much."""
    deletions = changes(1500, Verb.DELETE)
    plan = Plan(actions=(*changes(8500, Verb.CREATE), *deletions))
    comment = plan_markdown(plan)

    assert units(comment) <= LIMIT
    assert "**Plan: 8500 to add, 0 to change, 1500 to destroy.**" in comment
    head = comment[: comment.index("**Plan:")]
    assert all(action.address.rpartition("/")[2] in head for action in deletions)
    assert re.search(r"Cut to fit a comment: [\d,]+ of 10,000 changes are left out", comment)


def test_ten_thousand_deletions_are_counted_where_they_cannot_be_named() -> None:
    """Only a list of deletions that alone would not fit is cut, and says so."""
    comment = plan_markdown(Plan(actions=changes(10_000, Verb.DELETE)))
    named = len(set(re.findall(r"message-\d{5}", comment[: comment.index("**Plan:")])))

    assert units(comment) <= LIMIT
    assert "**10,000 will be destroyed:**" in comment
    assert "**Plan: 0 to add, 0 to change, 10000 to destroy.**" in comment
    assert f"…and {10_000 - named:,} more that do not fit here" in comment


@pytest.mark.parametrize("body", ["\U0001f600" * 3000, "`" * 3000, "a\n" * 3000])
def test_limit_holds_for_any_text(body: str) -> None:
    """Characters of two units, long runs of backticks and many lines are all counted."""
    plan = Plan(actions=changes(100, Verb.CREATE, body))
    comment = plan_markdown(plan, bodies=Bodies.FULL)

    assert LIMIT / 2 < units(comment) <= LIMIT


def test_thousands_of_warnings_and_refusals_leave_the_summary() -> None:
    """They are cut too, each section by itself."""
    plan = Plan(
        actions=changes(2000, Verb.REPLACE),
        warnings=tuple(PlanWarning("x", at("a"), f"warning {number}") for number in range(5000)),
        refusals=tuple(Refusal("y", f"refusal {number}", "hint") for number in range(5000)),
    )
    comment = plan_markdown(plan)

    assert units(comment) <= LIMIT
    assert "**Plan: 2000 to add, 0 to change, 2000 to destroy.**" in comment
    assert "of 5,000 warnings are left out" in comment
    assert "of 5,000 refusals are left out" in comment


def test_limit_holds_where_every_section_is_too_long() -> None:
    """Deletions, replacements, warnings, refusals and details together stay within it."""
    plan = Plan(
        actions=(*changes(10_000, Verb.DELETE), *changes(10_000, Verb.REPLACE)),
        warnings=tuple(PlanWarning("x", at("a"), f"warning {number}") for number in range(5000)),
        refusals=tuple(Refusal("y", f"refusal {number}", "hint") for number in range(5000)),
    )
    comment = plan_markdown(plan, key="prod")

    assert units(comment) <= LIMIT
    assert "**10,000 will be destroyed:**" in comment
    assert "**10,000 will be replaced by a new one:**" in comment
    assert "**Plan: 10000 to add, 0 to change, 20000 to destroy.**" in comment
    assert "of 20,000 changes are left out" in comment


def test_replacements_are_named_as_losses() -> None:
    """What is replaced loses its sid: the reader hears of it before the summary."""
    comment = plan_markdown(PLAN)

    assert comment.index("**1 will be destroyed:**") < comment.index("**1 will be replaced")
    assert comment.index("**1 will be replaced") < comment.index("**Plan:")


def test_service_that_is_deleted_is_named() -> None:
    """A service has no parent to stand under."""
    plan = Plan(actions=(Action("support", Verb.DELETE, Reason.REMOVED_FROM_MANIFEST),))

    assert "- `support`\n" in plan_markdown(plan)


def test_large_action_does_not_hide_those_behind_it() -> None:
    """One that does not fit is left out by itself."""
    huge = Action(at("huge"), Verb.CREATE, Reason.NOT_IN_STATE, after={"body": "x" * LIMIT})
    small = Action(at("small"), Verb.CREATE, Reason.NOT_IN_STATE, after={"body": "here"})
    comment = plan_markdown(Plan(actions=(huge, small)), bodies=Bodies.FULL)

    assert 'body: "here"' in comment
    assert "1 of 2 changes are left out" in comment


def test_outcome_of_ten_thousand_actions_fits() -> None:
    """The table of an apply is cut in the same way."""
    outcome = Outcome(
        results=tuple(Result(at(str(n)), Verb.CREATE, Status.DONE, "IM1") for n in range(10_000))
    )
    comment = outcome_markdown(outcome)

    assert units(comment) <= LIMIT
    assert "**Apply complete! Resources: 10000 added, 0 changed, 0 destroyed.**" in comment
    assert "of 10,000 rows are left out" in comment


def test_failures_come_before_what_was_done() -> None:
    """However long the table, what is not done is never cut away."""
    done = tuple(Result(at(str(number)), Verb.CREATE, Status.DONE, "IM1") for number in range(10_000))
    failed = Result(at("last"), Verb.CREATE, Status.FAILED, text="the server said no")
    comment = outcome_markdown(Outcome(results=(*done, failed)))

    assert "the server said no" in comment
    assert comment.splitlines()[2] == "## :x: Apply Failed"


def test_an_outcome_without_any_action_is_a_comment() -> None:
    """A plan that goes on can turn out to have been done wholly."""
    comment = outcome_markdown(Outcome(results=()))

    assert comment.splitlines()[2] == "## :white_check_mark: Apply Succeeded"
