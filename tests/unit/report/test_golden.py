"""Whole reports against golden files."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.plans.plan import Plan
from reconciler.report.disclosure import Bodies
from reconciler.report.documents import plan_schema
from reconciler.report.json import encode, encoded_plan, plan_document
from reconciler.report.json_outcome import outcome_document
from reconciler.report.jsonl import EventStream
from reconciler.report.markdown import outcome_markdown, plan_markdown
from reconciler.report.outcome import render_outcome
from reconciler.report.text import render_plan
from tests.support.golden import expect_text
from tests.support.plans import BLANKS, DONE, EMPTY, MOVE, PARTLY, PLAN, REFUSED

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "report"
NOW = "2026-01-05T09:00:00Z"
PLANS = {"plan": PLAN, "refused": REFUSED, "empty": EMPTY, "moves": Plan(actions=(MOVE,))}


def alike() -> Plan:
    """Return a plan for 500 conversations that need the same, and one that does not."""
    actions = [
        action
        for name in (f"order-{number}" for number in range(500))
        for action in (
            Action(f"desk/{name}", Verb.CREATE, Reason.NOT_IN_STATE, after={"unique_name": name}),
            Action(f"desk/{name}/hi", Verb.CREATE, Reason.NOT_IN_STATE, after={"body": "Hi"}),
        )
    ]
    changes = (FieldChange(("body",), "a", "b"),)
    actions.append(Action("desk/other/hi", Verb.UPDATE, Reason.DRIFTED, sid="IM1", changes=changes))
    return Plan(actions=tuple(actions))


def document(plan: Plan, bodies: Bodies = Bodies.FULL) -> str:
    """Return the JSON plan as it is printed, but over many lines."""
    return json.dumps(json.loads(b"".join(printed(plan, bodies))), indent=1) + "\n"


def printed(plan: Plan, bodies: Bodies = Bodies.FULL) -> list[bytes]:
    """Return the pieces in which a JSON plan is printed."""
    return [*encoded_plan(plan, timestamp=NOW, version="0.1.0", bodies=bodies, hash_key=plan.lineage)]


def events() -> str:
    """Return the event stream of a plan and an apply that partly failed."""
    stream = BytesIO()
    seconds = iter(range(100))
    made = EventStream(stream, version="0.1.0", timestamp=lambda: NOW, seconds=lambda: next(seconds))
    made.plan(REFUSED)
    made.plan(PLAN)
    made.started(BLANKS)
    for result in PARTLY.results:
        made.finished(result)
    made.outcome(PARTLY)
    return stream.getvalue().decode()


REPORTS: dict[str, Callable[[], str]] = {
    **{f"{name}.txt": lambda plan=plan: render_plan(plan) for name, plan in PLANS.items()},  # type: ignore[misc]
    **{f"{name}.json": lambda plan=plan: document(plan) for name, plan in PLANS.items()},  # type: ignore[misc]
    **{f"{name}.md": lambda plan=plan: plan_markdown(plan, key="prod/desk") for name, plan in PLANS.items()},  # type: ignore[misc]
    "plan-color.txt": lambda: render_plan(PLAN, color=True, on_terminal=True),
    "plan-full.txt": lambda: render_plan(PLAN, bodies=Bodies.FULL),
    "plan-hash.txt": lambda: render_plan(PLAN, bodies=Bodies.HASH, hash_key=PLAN.lineage),
    "plan-none.txt": lambda: render_plan(PLAN, bodies=Bodies.NONE),
    "plan-hash.json": lambda: document(PLAN, Bodies.HASH),
    "alike.txt": lambda: render_plan(alike()),
    "events.jsonl": events,
    "done.txt": lambda: render_outcome(DONE),
    "partly.txt": lambda: render_outcome(PARTLY),
    "partly.json": lambda: json.dumps(outcome_document(PARTLY), indent=1) + "\n",
    "partly.md": lambda: outcome_markdown(PARTLY, key="prod/desk"),
}


@pytest.mark.parametrize("name", REPORTS)
def test_report_is_as_it_was_reviewed(name: str) -> None:
    """Every report equals its golden file, byte for byte."""
    expect_text(REPORTS[name](), GOLDEN / name)


def test_no_golden_file_is_left_over() -> None:
    """Every golden file belongs to a report."""
    assert {path.name for path in GOLDEN.iterdir()} == REPORTS.keys()


def schema() -> dict[str, Any]:
    """Return the published schema of a JSON plan."""
    published: dict[str, Any] = json.loads((ROOT / "schemas" / "plan.schema.json").read_text("utf-8"))
    return published


def test_published_schema_is_the_generated_one() -> None:
    """`schemas/plan.schema.json` says what the code says."""
    assert schema() == plan_schema()


@pytest.mark.parametrize("name", [f"{name}.json" for name in (*PLANS, "plan-hash")])
def test_json_plan_is_valid_by_the_published_schema(name: str) -> None:
    """Every golden JSON plan validates."""
    Draft202012Validator(schema()).validate(json.loads((GOLDEN / name).read_text("utf-8")))


@pytest.mark.parametrize("plan", [*PLANS.values(), alike()], ids=[*PLANS, "alike"])
def test_pieces_of_a_plan_are_its_document(plan: Plan) -> None:
    """Whoever takes the document whole reads the same; a large one comes in more than one piece."""
    pieces = printed(plan)

    assert b"".join(pieces) == encode(
        plan_document(plan, timestamp=NOW, version="0.1.0", hash_key=plan.lineage)
    )
    assert len(pieces) == 1 + -(-len(plan.actions) // 500) or len(plan.actions) < 500


def test_schema_refuses_another_action() -> None:
    """The schema is no formality: an unknown action does not validate."""
    made = json.loads(document(PLAN))
    made["resource_changes"][0]["change"]["actions"] = ["explode"]

    assert not Draft202012Validator(schema()).is_valid(made)
