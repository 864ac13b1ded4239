"""One walk, as a team takes it: adopt what is live, review changes, apply what was reviewed, mend drift."""

from __future__ import annotations

import json

import jsonschema

from tests.support.golden import expect_golden
from tests.support.project import ROOT, Project, Ran
from tests.support.sdk import client_at, only_conversation

MANIFEST = "manifests/Support/order-4711.yaml"
AT = "Support/order-4711"
TALK = [
    ("alice", "Hello, where is my parcel?"),
    ("bob", "Let me look."),
    ("bob", "It left on Monday."),
    ("alice", "Thank you!"),
]
SORRY = "{key: sorry, author: bob, body: Sorry to keep you waiting.}"


def summary(project: Project) -> str:
    """Return the last line of a plan."""
    return project.run("plan", check=0).out.splitlines()[-1]


def test_the_walk(served: Project) -> None:
    """Export, edit, review, apply the reviewed plan, find drift, mend it."""
    # Somebody has made a conversation by hand.
    services = client_at(served.environ["RECONCILER_ENDPOINT"]).conversations.v1.services
    service = services(services.create(friendly_name="Support").sid)
    service.conversations.create(unique_name="order-4711")
    live = only_conversation(client_at(served.environ["RECONCILER_ENDPOINT"]))
    for author, body in TALK:
        live.messages.create(author=author, body=body, date_created="2026-01-05T09:00:00Z")

    # It becomes code, and the code says what is there.
    served.run("export", "--out", "manifests", "--bind", check=0)
    served.run("plan", "--detailed-exitcode", check=0)

    # Four commits: a message is edited, a key renamed, a message inserted, another deleted.
    served.edit(MANIFEST, "Let me look.", "Let me look that up.")
    assert summary(served) == "Plan: 0 to add, 1 to change, 0 to destroy."
    served.edit(MANIFEST, "key: m0002", "key: on-its-way")
    assert summary(served) == "Plan: 0 to add, 1 to change, 0 to destroy."
    before = "          - key: on-its-way\n"
    served.edit(MANIFEST, before, f"          - {SORRY}\n{before}")
    assert summary(served) == "Plan: 1 to add, 1 to change, 0 to destroy."
    text = (served.folder / MANIFEST).read_text(encoding="utf-8")
    served.write(MANIFEST, text[: text.index("          - key: m0003")])

    # The pull request: people read the plan as text and as a comment, tools as JSON; it is saved.
    reviewed = served.run(
        *("plan", "--detailed-exitcode", "--out", "plan.bin"),
        *("--format", "text", "--format", "json=plan.json", "--format", "markdown=plan.md"),
        check=2,
    )
    expect_golden(reviewed, "walk-plan")
    expect_golden(Ran(0, (served.folder / "plan.md").read_text(encoding="utf-8"), ""), "walk-comment")
    document = json.loads((served.folder / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads((ROOT / "schemas" / "plan.schema.json").read_text("utf-8")))
    assert [
        (change["address"], change["change"]["actions"], change["action_reason"])
        for change in document["resource_changes"]
    ] == [
        (f"{AT}/m0001", ["update"], "changed_in_manifest"),
        (f"{AT}/sorry", ["create"], "not_in_state"),
        (f"{AT}/on-its-way", ["no-op"], "renamed"),
        (f"{AT}/m0003", ["delete"], "removed_from_manifest"),
    ]

    # The merge: exactly what was reviewed is done.
    applied = served.run("apply", "plan.bin", check=0)
    assert applied.out == "Apply complete! Resources: 1 added, 1 changed, 1 destroyed.\n"
    assert [message.body for message in live.messages.list()] == [
        "Hello, where is my parcel?",
        "Let me look that up.",
        "It left on Monday.",
        "Sorry to keep you waiting.",
    ]
    served.run("plan", "--detailed-exitcode", check=0)

    # The night: somebody edits a message by hand, and it alone is named.
    live.messages.list()[2].update(body="It never left.")
    found = served.run("drift", "--detailed-exitcode", "--format", "json", check=2)
    assert [drift["address"] for drift in json.loads(found.out)["resource_drift"]] == [f"{AT}/on-its-way"]
    expect_golden(served.run("drift", "--detailed-exitcode", check=2), "walk-drift")

    # The morning: an apply mends it.
    served.run("apply", "--auto-approve", check=0)
    served.run("drift", "--detailed-exitcode", check=0)
    assert live.messages.list()[2].body == "It left on Monday."
