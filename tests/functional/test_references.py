"""`${service.NAME.sid}` from nothing: a service, and what names its sid, in one apply."""

from __future__ import annotations

import json
import re

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.fault_text import parse_fault
from tests.support.project import Project
from tests.support.sdk import client_at

DESK = """\
version: 1
variables: {code: {sensitive: true, default: s3cret}}
services:
  front:
    conversations:
      hello:
        friendly_name: Ask ${service.back-office.sid}
        messages:
          - {key: plain, author: bot, body: Hello}
          - key: where
            author: bot
            body: Transferred to ${service.back-office.sid}.
            attributes: {team: "${service.back-office.sid}", tags: [vip, "${service.front.sid}"]}
          - {key: code, author: bot, body: 'Desk ${service.back-office.sid}, code ${var.code}'}
  back-office:
    conversations:
      queue:
        messages:
          - {key: from, author: bot, body: 'Queue of ${service.front.sid}'}
"""


@pytest.fixture
def desk(served: Project) -> Project:
    """A project of two services that name each other."""
    served.write("manifests/desk.yaml", DESK)
    return served


def live(project: Project) -> dict[str, list[tuple[str, str]]]:
    """Return bodies and attributes by the unique name of the conversation."""
    services = client_at(project.environ["RECONCILER_ENDPOINT"]).conversations.v1.services
    return {
        conversation.unique_name: [(one.body, one.attributes) for one in conversation.messages.list()]
        for service in services.list()
        for conversation in services(service.sid).conversations.list()
    }


def sids(project: Project) -> tuple[str, str]:
    """Return the sids of both services."""
    printed = json.loads(project.run("output", "--format", "json", check=0).out)
    return printed["front"], printed["back-office"]


def said(front: str, back: str) -> dict[str, list[tuple[str, str]]]:
    """Return what must be live."""
    return {
        "hello": [
            ("Hello", "{}"),
            (f"Transferred to {back}.", f'{{"tags":["vip","{front}"],"team":"{back}"}}'),
            (f"Desk {back}, code s3cret", "{}"),
        ],
        "queue": [(f"Queue of {front}", "{}")],
    }


def test_services_that_name_each_other_are_made_in_one_apply(desk: Project) -> None:
    """The plan says what is known after apply, the second one is empty, and both texts hold the sids."""
    planned = desk.run("plan", check=0)
    desk.run("apply", "--auto-approve", check=0)

    assert 'body: "Transferred to (known after apply)."' in planned.out
    assert 'friendly_name: "Ask (known after apply)"' in planned.out
    assert live(desk) == said(*sids(desk))
    desk.run("plan", "--detailed-exitcode", check=0)


@pytest.mark.parametrize("exists", [False, True])
def test_a_saved_plan_knows_what_it_could_not_know(desk: Project, exists: bool) -> None:  # noqa: FBT001
    """Sids that were not there when it was saved are filled in, and those that were stay; secrets too."""
    if exists:
        desk.write("other/desk.yaml", re.sub(":\n    conversations:\n(      .*\n)+", ": {}\n", DESK))
        desk.run("apply", "other", "--auto-approve", check=0)
    desk.run("plan", "--out", "plan.bin", check=0)
    assert "s3cret" not in (desk.folder / "plan.bin").read_text("utf-8")

    desk.run("apply", "plan.bin", "manifests", check=0)

    assert live(desk) == said(*sids(desk))
    desk.run("plan", "--detailed-exitcode", check=0)


def test_a_new_service_is_named_in_messages_that_are_there(desk: Project) -> None:
    """An update waits for the sid as a create does."""
    queue = DESK.index("  back-office:\n    conversations")
    desk.write("manifests/desk.yaml", re.sub(r"\$\{service.back-office.sid\}", "nobody", DESK[:queue]))
    desk.run("apply", "--auto-approve", check=0)
    desk.write("manifests/desk.yaml", DESK)

    planned = desk.run("plan", check=0)
    desk.run("apply", "--auto-approve", check=0)

    assert '~ body: "Transferred to nobody." -> "Transferred to (known after apply)."' in planned.out
    assert live(desk) == said(*sids(desk))


def test_nothing_that_needs_a_sid_is_sent_without_it(desk: Project, remote: Emulator) -> None:
    """Where the service cannot be made, what names it is not reached; the next apply does the rest."""
    remote.faults.add(parse_fault("create_service:2:400"))

    ran = desk.run("apply", "--auto-approve", "--parallelism", "1", check=1)

    assert ran.out.count("not reached") > 2
    assert all("service." not in f"{one}" for said in live(desk).values() for one in said)
    desk.run("apply", "--auto-approve", check=0)
    assert live(desk) == said(*sids(desk))


@pytest.mark.parametrize(
    "fault",
    ["create_message:2:reset_after", "create_conversation:1:reset_after", "create_service:2:503_after"],
)
def test_a_lost_reply_is_found_by_what_was_sent(desk: Project, remote: Emulator, fault: str) -> None:
    """With the sid in its text it is recognised, and nothing is there twice."""
    remote.faults.add(parse_fault(fault))

    desk.run("apply", "--auto-approve", "--settle", "0.2", check=0)

    assert live(desk) == said(*sids(desk))
    desk.run("plan", "--detailed-exitcode", check=0)


def test_what_was_found_is_remembered_with_its_sid(desk: Project, remote: Emulator) -> None:
    """Somebody's later change of it is drift, and none of the manifest's."""
    remote.faults.add(parse_fault("create_conversation:reset_after"))
    desk.run("apply", "--auto-approve", "--settle", "0.2", check=0)
    front, _ = sids(desk)
    conversations = (
        client_at(desk.environ["RECONCILER_ENDPOINT"]).conversations.v1.services(front).conversations
    )
    conversations("hello").update(friendly_name="Ask me")

    planned = desk.run("plan", check=0)

    assert "(drifted: changed remotely since the last apply)" in planned.out


def test_a_part_that_leaves_the_service_out_is_refused(desk: Project) -> None:
    """The plan names what it lacks, and how to get it."""
    ran = desk.run("plan", "--target", "front", check=1)

    assert "error: `front/hello` and 2 more cannot do without the sid of service `back-office`" in ran.out
    assert "hint: plan `back-office` too, or leave this out: `--exclude 'front/hello'`" in ran.out
    assert "Transferred to ${service.back-office.sid}." in ran.out
