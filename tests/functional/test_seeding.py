"""Variables, fan-out, timelines and transcripts as users meet them."""

from __future__ import annotations

import contextlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from reconciler import api
from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.support.project import ROOT, Project
from tests.support.sdk import client_at

SECRET = "4711-s3cret"


@pytest.fixture
def examples(project: Project) -> Project:
    """A project with a copy of the examples."""
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    return project


@pytest.mark.parametrize("example", ["variables", "fan-out", "demo"])
def test_a_second_plan_of_the_example_is_empty(examples: Project, example: str) -> None:
    """What was applied stays as it is."""
    examples.environ["RECONCILER_VAR_door_code"] = SECRET
    examples.run("apply", f"examples/{example}", "--auto-approve", check=0)

    examples.run("plan", f"examples/{example}", "--detailed-exitcode", check=0)


def test_a_sensitive_value_is_sent_and_left_nowhere(examples: Project) -> None:
    """Not on the screen, in no format, in no file but the store of the emulator."""
    examples.environ["RECONCILER_VAR_door_code"] = SECRET
    outputs = [
        examples.run("plan", "examples/variables", "--format", form, check=0)
        for form in ("text", "json", "jsonl", "markdown", "github")
    ]
    outputs.append(examples.run("plan", "examples/variables", "--out", "plan.bin", check=0))
    outputs.append(examples.run("show", "plan.bin", check=0))
    outputs.append(examples.run("apply", "plan.bin", "examples/variables", check=0))
    examples.environ["RECONCILER_VAR_door_code"] = "another"
    outputs.append(examples.run("plan", "examples/variables", check=0))
    outputs.append(examples.run("drift", "examples/variables", check=0))

    assert all(SECRET not in ran.out + ran.err for ran in outputs)
    files = [
        path for path in examples.folder.rglob("*") if path.is_file() and ".reconciler" not in path.parts
    ]
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []
    stored = (examples.folder / ".reconciler" / "emulator.db").read_bytes()
    assert SECRET.encode() in stored


def test_a_saved_plan_without_its_secrets_says_what_it_needs(examples: Project) -> None:
    """And is applied once it has them, as it was reviewed."""
    examples.environ["RECONCILER_VAR_door_code"] = SECRET
    saved = examples.run("plan", "examples/variables", "--out", "plan.bin", check=0)

    alone = examples.run("apply", "plan.bin", check=1)
    examples.environ["RECONCILER_VAR_door_code"] = "another"
    other = examples.run("apply", "plan.bin", "examples/variables", check=1)

    assert "reconciler apply plan.bin MANIFESTS… (for the sensitive values)" in saved.err
    assert "error: the plan was saved without its sensitive values" in alone.err
    assert "error: stale plan: the sensitive `body` of `front-desk/arrival/door`" in other.err


@pytest.mark.parametrize(
    ("old", "new", "needs"),
    [
        ("author: bot", "author: guide", True),
        ("'Code ${var.code}'", "open", True),
        ("}]", "}, {key: b, body: Bye}]", False),
    ],
    ids=["another field is sent", "is sensitive no more", "another message is sent"],
)
def test_what_is_said_of_a_saved_plan_is_what_it_needs(
    project: Project, old: str, new: str, *, needs: bool
) -> None:
    """The manifests are asked for where apply wants them, also if the sensitive value itself is not sent."""
    project.environ["RECONCILER_VAR_code"] = SECRET
    project.write(
        "manifests/a.yaml",
        "version: 1\nvariables: {code: {sensitive: true}}\nservices: {s: {conversations: {c: {messages: "
        "[{key: a, body: 'Code ${var.code}', author: bot}]}}}}\n",
    )
    project.run("apply", "--auto-approve", check=0)
    project.edit("manifests/a.yaml", old, new)

    saved = project.run("plan", "--out", "plan.bin", check=0)

    assert ("reconciler apply plan.bin MANIFESTS…" in saved.err) is needs
    project.run("apply", "plan.bin", check=1 if needs else 0)
    project.run("apply", "plan.bin", "manifests", check=0 if needs else 1)  # once it is used, it is stale


def test_a_pull_request_cannot_read_the_environment(project: Project) -> None:
    """Only the command line lets a name through, and credentials never."""
    project.environ |= {"TOKEN": SECRET, "TWILIO_AUTH_TOKEN": SECRET}
    text = "version: 1\nservices: {{s: {{conversations: {{c: {{messages: [{{key: a, body: '{}'}}]}}}}}}}}\n"
    project.write("manifests/a.yaml", text.format("${env.TOKEN}"))
    project.write("other/a.yaml", text.format("${env.TWILIO_AUTH_TOKEN}"))

    refused = project.run("plan", check=1)
    never = project.run("plan", "other", "--allow-env", "TWILIO_AUTH_TOKEN", check=1)
    allowed = project.run("plan", "--allow-env", "TOKEN", check=0)

    assert "hint: pass `--allow-env TOKEN` to allow it" in refused.err
    assert "are never given to manifests" in never.err
    assert "+ body: (sensitive value)" in allowed.out
    assert SECRET not in refused.err + never.err + allowed.out


def test_one_template_over_a_thousand_customers(project: Project) -> None:
    """A thousand conversations, a plan of less than forty lines, and a second plan that is empty."""
    shutil.copytree(ROOT / "examples" / "fan-out", project.folder / "manifests")
    rows = "".join(f"{number},Customer {number},gold\n" for number in range(1000))
    project.write("manifests/customers.csv", f"id,name,plan\n{rows}")

    planned = project.run("plan", check=0)
    project.run("apply", "--auto-approve", check=0)

    assert len(planned.out.splitlines()) < 40
    assert "Plan: 5001 to add, 0 to change, 0 to destroy." in planned.out
    project.run("plan", "--detailed-exitcode", check=0)


def test_an_address_with_a_key_is_a_target_as_it_stands(examples: Project) -> None:
    """Brackets in a glob mean themselves; `output` makes a name of them."""
    examples.run("apply", "examples/fan-out", "--auto-approve", check=0)
    examples.edit("examples/fan-out/templates.yaml", "Hello ${each.value.name}", "Hi ${each.value.name}")

    planned = examples.run(
        "plan",
        "examples/fan-out",
        "--target",
        "storefront-orders/order[4712]/hello",
        "--format",
        "json",
        check=0,
    )
    listed = examples.run("state", "list", "storefront-orders/order[4711]/step[*]", check=0)
    named = examples.run("output", "storefront-orders/order[4711]", "--format", "env", check=0)

    changes = json.loads(planned.out)["resource_changes"]
    assert [change["address"] for change in changes] == ["storefront-orders/order[4712]/hello"]
    assert len(listed.out.splitlines()) == 2
    assert named.out.startswith("SID_STOREFRONT_ORDERS_ORDER_4711_=CH")


def test_a_demo_is_reset_and_a_week_later_looks_like_today(tmp_path: Path) -> None:
    """Twenty typed messages go in one apply; `--re-anchor` moves every date, and nothing is posted again."""
    now = datetime(2026, 6, 10, 12, 30, tzinfo=UTC)
    desired = api.load(ROOT / "examples" / "demo")
    with contextlib.closing(Emulator()) as emulator, running(emulator) as url:
        demo = msgspec.structs.replace(api.settings(emulator, state=tmp_path / "s.json"), now=lambda: now)
        later = msgspec.structs.replace(demo, now=lambda: now + timedelta(days=7))
        api.apply(desired, demo)
        sdk = client_at(url)
        (service,) = sdk.conversations.v1.services.list()
        parcel = sdk.conversations.v1.services(service.sid).conversations("late-parcel")
        before = [(one.sid, one.body) for one in parcel.messages.list()]
        for number in range(20):
            parcel.messages.create(body=f"typed {number}")

        reset = api.apply(desired, demo, api.Options(max_delete=20))
        quiet = api.plan(desired, later)
        moved = api.apply(desired, later, api.Options(re_anchor=True))
        after = parcel.messages.list()
        again = api.plan(desired, later)

    assert sum(result.verb == "delete" for result in reset.results) == 20
    assert (quiet.plan.actions, again.plan.actions) == ((), ())
    assert {result.verb for result in moved.results} == {"update"}
    assert [(one.sid, one.body) for one in after] == before
    assert after[0].date_created == datetime(2026, 6, 14, 7, 0, tzinfo=UTC)


def test_destroy_leaves_a_found_service_as_it_was(served: Project) -> None:
    """What others wrote there before is the same after it; only a name that was taken over stays."""
    services = client_at(served.environ["RECONCILER_ENDPOINT"]).conversations.v1.services
    desk = services(services.create(friendly_name="demo-desk").sid)
    for name in ("late-parcel", "others"):
        room = desk.conversations(desk.conversations.create(unique_name=name, friendly_name="Theirs").sid)
        for number in range(3):
            room.messages.create(author="them", body=f"theirs {number}")

    def everything() -> list[object]:
        rooms = sorted(desk.conversations.list(), key=lambda one: str(one.sid))
        said = [one for room in rooms for one in desk.conversations(room.sid).messages.list()]
        return [
            [(one.sid, one.unique_name, one.attributes) for one in rooms],
            [(one.sid, one.index, one.author, one.body, one.date_created, one.date_updated) for one in said],
        ]

    before = everything()
    shutil.copytree(ROOT / "examples" / "demo", served.folder / "manifests")
    served.edit("manifests/desk.yaml", "unmanaged: delete ", "unmanaged: keep ")

    served.run("apply", "--auto-approve", check=0)
    assert everything() != before
    served.run("destroy", "--auto-approve", check=0)

    assert everything() == before


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("text", "warning: it is dated in the future (date_in_future)\n  --> s/c/b"),
        ("json", '"summary": "it is dated in the future"'),
        ("github", "::warning file=manifests/a.yaml,line=8,title=date_in_future::s/c/b: it is dated"),
    ],
)
def test_validate_warns_of_odd_dates(project: Project, form: str, said: str) -> None:
    """A warning is no error: the manifests are valid."""
    project.write(
        "manifests/a.yaml",
        """\
version: 1
services:
  s:
    conversations:
      c:
        messages:
          - {key: a, body: x, date_created: 2026-01-05T09:00:00Z}
          - {key: b, body: x, date_created: 2999-01-05T09:00:00Z}
""",
    )

    ran = project.run("validate", "--format", form, check=0)

    assert said in ran.out + ran.err


def test_a_value_of_the_command_line_is_checked_by_its_flag(examples: Project) -> None:
    """The flag is named, and what it is near to; the value is not repeated."""
    ran = examples.run("validate", "examples/variables", "--var", f"citty={SECRET}", check=1)

    assert ran.err == (
        "error: `--var citty=…`: no manifest declares a variable `citty`\nhint: did you mean `city`?\n"
        "Error: `--var citty=…`: no manifest declares a variable `citty`\n"
    )
