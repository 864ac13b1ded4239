"""What is written while an apply runs, and what a CI run turns into annotations."""

from __future__ import annotations

from io import StringIO

import pytest

from reconciler.errors import ManifestError, Problem
from reconciler.model import Conversation, Desired, Message, Participant, Service
from reconciler.plans.actions import Verb
from reconciler.plans.outcome import Result, Status
from reconciler.plans.plan import Plan, PlanWarning, Refusal
from reconciler.report.github import plan_annotations, problem_annotations
from reconciler.report.progress import LineProgress, describe
from tests.support.plans import CREATE, at

PAUSE = "Twilio asks for a pause (429)"
DESIRED = Desired(
    services=(
        Service(
            "support",
            "desk.yaml",
            3,
            conversations=(
                Conversation(
                    "order-4711",
                    "orders.yaml",
                    5,
                    messages=(Message("welcome", 9),),
                    participants=(Participant("alice", 20),),
                ),
            ),
        ),
    ),
    digest="sha256:0",
)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (Result(at("a"), Verb.CREATE, Status.DONE, "IM1"), "Creation complete [sid=IM1]"),
        (Result(at("a"), Verb.DELETE, Status.DONE), "Destruction complete"),
        (Result(at("a"), Verb.UPDATE, Status.FAILED, text="no"), "Modifications errored: no"),
        (Result(at("a"), Verb.CREATE, Status.UNKNOWN), "Creation may or may not have happened"),
        (Result(at("a"), Verb.CREATE, Status.NOT_REACHED), "Creation not reached"),
    ],
)
def test_finished_action_is_one_line(result: Result, line: str) -> None:
    """In Terraform's words, with the sid where there is one."""
    assert describe(result) == f"{at('a')}: {line}"


def test_pipe_gets_a_line_for_each_end_and_nothing_else() -> None:
    """Starts are not worth a line in a log."""
    stream = StringIO()
    progress = LineProgress(stream)
    progress.started(CREATE)
    progress.finished(Result(CREATE.address, Verb.CREATE, Status.DONE, "IM1"))
    progress.close()

    assert stream.getvalue() == f"{CREATE.address}: Creation complete [sid=IM1]\n"


def test_a_log_that_stands_still_says_why() -> None:
    """A short pause is not worth a line."""
    stream = StringIO()
    progress = LineProgress(stream)
    progress.reading(1, 2)
    progress.waiting(2, PAUSE)
    progress.waiting(8, PAUSE)

    assert stream.getvalue() == f"waiting 8 s: {PAUSE}\n"


def test_problem_is_annotated_where_it_is() -> None:
    """Newlines, colons and commas are escaped as the runner wants them."""
    error = ManifestError((Problem("a,b:c.yaml", 14, 7, "100% wrong", hint="try again"),))

    assert list(problem_annotations(error)) == [
        "::error file=a%2Cb%3Ac.yaml,line=14,col=7::100%25 wrong%0Ahint: try again"
    ]


def test_problem_of_a_whole_file_has_no_line() -> None:
    """Line 0 means the file."""
    error = ManifestError((Problem("a.yaml", 0, 0, "empty"),))

    assert list(problem_annotations(error)) == ["::error file=a.yaml::empty"]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("support", "file=desk.yaml,line=3,"),
        ("support/order-4711", "file=orders.yaml,line=5,"),
        (at("welcome"), "file=orders.yaml,line=9,"),
        ("support/order-4711/participants/alice", "file=orders.yaml,line=20,"),
        (at("removed"), ""),
    ],
)
def test_warning_is_annotated_where_it_is_declared(address: str, place: str) -> None:
    """What no manifest declares any more has no place."""
    plan = Plan(actions=(), warnings=(PlanWarning("webhooks_on", address, "text"),))

    assert list(plan_annotations(plan, DESIRED)) == [f"::warning {place}title=webhooks_on::{address}: text"]


def test_refusal_is_an_error_without_a_place() -> None:
    """It is about the plan as a whole."""
    plan = Plan(actions=(), refusals=(Refusal("max_delete", "too many", "pass a flag"),))

    assert list(plan_annotations(plan, DESIRED)) == ["::error title=max_delete::too many%0Ahint: pass a flag"]
