"""People, settings, files and templates of a live conversation: exported, imported, watched, let go of."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from twilio.rest import Client

from tests.support.golden import expect_golden
from tests.support.project import ACCOUNT, Project
from tests.support.sdk import client_at

PARCEL = "HX00000000000000000000000000000004"
HELLO = "HX00000000000000000000000000000001"
STATE = "mine.json"


@pytest.fixture
def sdk(served: Project) -> Client:
    """The official SDK, pointed at the emulator."""
    return client_at(served.environ["RECONCILER_ENDPOINT"])


@pytest.fixture
def case(served: Project, sdk: Client) -> Any:
    """A live conversation that was made by hand and has one of everything."""
    sid = sdk.conversations.v1.services.create(friendly_name="Desk").sid
    service = sdk.conversations.v1.services(sid)
    case = service.conversations.create(
        unique_name="case-7",
        friendly_name="Case 7",
        attributes='{"queue": "returns"}',
        timers_inactive="PT12H",
        timers_closed="P30D",
        bindings_email_address="case-7@example.com",
        bindings_email_name="Case 7",
    )
    case.participants.create(identity="alice", attributes='{"tier": "gold"}', role_sid="RL" + "a" * 32)
    case.participants.create(
        messaging_binding_address="+15550001", messaging_binding_proxy_address="+15550002"
    )
    case.participants.create(identity="nora", messaging_binding_projected_address="+15550003")
    case.messages.create(author="alice", body="It broke")
    uploaded = httpx.post(
        f"{served.environ['RECONCILER_ENDPOINT']}/v1/Services/{sid}/Media?Filename=crack.png",
        content=b"\x89PNG",
        headers={"content-type": "image/png"},
        auth=(ACCOUNT, "sesame-open"),
    )
    case.messages.create(author="alice", media_sid=uploaded.json()["sid"])
    case.messages.create(author="alice", content_sid=HELLO, content_variables='{"1": "Alice"}')
    case.messages.create(author="alice", content_sid=PARCEL, content_variables='{"1": "5164"}')
    return case


def counted(served: Project, *flags: str) -> dict[str, int]:
    """Return what is not nothing in the summary of a plan."""
    summary = json.loads(served.run("plan", *flags, "--format", "json", check=0).out)["summary"]
    return {name: count for name, count in summary.items() if count}


def test_everything_that_can_be_read_is_exported(served: Project, case: Any) -> None:
    """With a note for each thing that cannot be read, or only be worked out."""
    for message in case.messages.list():
        message.update(date_created="2026-01-05T09:00:00Z", date_updated="2026-01-05T09:00:00Z")

    expect_golden(served.run("export"), "export-whole")


def test_a_bound_export_plans_to_nothing(served: Project, case: Any) -> None:
    """Also when it is applied, exported again, and planned again."""
    del case
    served.run("export", "--out", "all.yaml", "--state", STATE, check=0)
    assert counted(served, "all.yaml", "--state", STATE) == {"no_op": 4}

    served.run("apply", "all.yaml", "--state", STATE, "--auto-approve", check=0)
    before = (served.folder / "all.yaml").read_bytes()
    served.run("export", "--out", "all.yaml", "--state", STATE, "--force", check=0)

    assert (served.folder / "all.yaml").read_bytes() == before
    assert counted(served, "all.yaml", "--state", STATE) == {"no_op": 4}


def test_an_export_that_is_not_bound_is_adopted_and_nothing_is_sent(served: Project, case: Any) -> None:
    """The messages are adoptions; whoever is in the conversation, and its settings, are as they are said."""
    del case
    served.run("export", "--out", "all.yaml", check=0)

    assert counted(served, "all.yaml", "--adopt") == {"import": 4}
    applied = served.run("apply", "all.yaml", "--adopt", "--auto-approve", "--format", "json", check=0)
    assert json.loads(applied.out)["requests"]["write"] == 0
    assert counted(served, "all.yaml") == {"no_op": 4}


@pytest.mark.parametrize("state", ["closed", "inactive"])
def test_the_state_of_a_conversation_is_exported(served: Project, case: Any, state: str) -> None:
    """And plans to nothing, with and without bindings."""
    case.update(state=state)
    served.run("export", "--out", "all.yaml", "--state", STATE, check=0)

    assert f"state: {state}\n" in (served.folder / "all.yaml").read_text(encoding="utf-8")
    assert counted(served, "all.yaml", "--state", STATE) == {"no_op": 4}
    assert counted(served, "all.yaml", "--adopt") == {"import": 4}


def test_no_identity_and_no_number_gets_into_the_state(served: Project, case: Any) -> None:
    """The keys of participants are numbers, as those of messages are."""
    del case
    served.run("export", "--out", "all.yaml", "--state", STATE, check=0)

    state = (served.folder / STATE).read_text(encoding="utf-8")
    assert [word for word in ("alice", "nora", "1555000", "gold", "example.com") if word in state] == []


def test_a_scrubbed_export_names_nobody_and_reaches_nobody(served: Project, case: Any) -> None:
    """Everybody is in the chat under a stand-in, the same as the author's: applying it delivers nothing."""
    del case
    served.run("export", "--scrub", "--salt", "s", "--out", "all.yaml", check=0)
    text = (served.folder / "all.yaml").read_text(encoding="utf-8")

    words = ("alice", "nora", "1555000", "gold", "example", "RL", "MG", "Case", "case")
    assert [word for word in words if word in text] == []
    assert text.count("user-") == 3 + 4
    served.environ = {"RECONCILER_ENDPOINT": "emulator"}
    served.run("apply", "all.yaml", "--auto-approve", check=0)


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "attributes": (
        lambda case: case.participants("alice").update(attributes='{"tier": "none"}'),
        "Desk/case-7/participants/p0000",
    ),
    "role": (
        lambda case: case.participants("alice").update(role_sid="RL" + "b" * 32),
        "Desk/case-7/participants/p0000",
    ),
    "removed": (lambda case: case.participants("nora").delete(), "Desk/case-7/participants/p0002"),
    "shorter timer": (lambda case: case.update(timers_inactive="PT1H"), "Desk/case-7"),
    "longer timer": (lambda case: case.update(timers_closed="P60D"), "Desk/case-7"),
    "state": (lambda case: case.update(state="inactive"), "Desk/case-7"),
    "e-mail": (lambda case: case.update(bindings_email_address="x@example.com"), "Desk/case-7"),
    "name": (lambda case: case.update(friendly_name="Case 8"), "Desk/case-7"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_others_change_is_drift_and_is_mended(served: Project, case: Any, what: str) -> None:
    """It is named, and the next apply puts it right."""
    change, address = CHANGES[what]
    served.run("export", "--out", "all.yaml", "--state", STATE, check=0)
    served.edit(
        "all.yaml", "        unique_name: case-7\n", "        unique_name: case-7\n        state: active\n"
    )
    served.run("apply", "all.yaml", "--state", STATE, "--auto-approve", check=0)
    assert counted(served, "all.yaml", "--state", STATE) == {"no_op": 4}
    change(case)

    found = served.run("drift", "all.yaml", "--state", STATE, "--format", "json", check=0)

    assert [item["address"] for item in json.loads(found.out)["resource_drift"]] == [address]
    served.run("apply", "all.yaml", "--state", STATE, "--auto-approve", check=0)
    assert served.run("drift", "all.yaml", "--state", STATE, "--detailed-exitcode").code == 0
    assert counted(served, "all.yaml", "--state", STATE) == {"no_op": 4}


def test_a_participant_is_imported(served: Project, case: Any) -> None:
    """Bound to an address of a manifest, it plans to nothing; without a key there, it is let go of."""
    served.write(
        "manifests/a.yaml",
        "version: 1\nservices:\n  Desk:\n    conversations:\n      case-7:\n        participants:\n"
        "          - {key: customer, identity: alice}\n",
    )
    sids = {one.identity: one.sid for one in case.participants.list()}

    ran = served.run("import", "Desk/case-7/participants/customer", sids["alice"], check=0)
    odd = served.run("import", "Desk/case-7/participants/agent", sids["nora"], check=0)

    assert ran.out.endswith(f"Imported Desk/case-7/participants/customer: {sids['alice']}\n")
    assert ran.err == ""
    assert "without one, the next apply lets go of the participant" in odd.err
    assert counted(served) == {}
    served.run("apply", "--auto-approve", check=0)
    assert len(case.participants.list()) == 3
    assert "agent" not in served.run("state", "list", check=0).out


def test_destroying_removes_only_what_the_tool_made(served: Project, case: Any) -> None:
    """Messages go, as they were taken over; people who were there stay, and one who was added goes."""
    served.run("export", "--out", "all.yaml", "--state", STATE, check=0)
    served.edit("all.yaml", "        participants:\n", "        participants:\n          - identity: frank\n")
    served.run("apply", "all.yaml", "--state", STATE, "--auto-approve", check=0)
    assert "frank" in {one.identity for one in case.participants.list()}

    served.run("destroy", "all.yaml", "--state", STATE, "--auto-approve", check=0)

    assert case.messages.list() == []
    assert [one.identity for one in case.participants.list()] == ["alice", None, "nora"]
    assert case.fetch().friendly_name == "Case 7"
    assert served.run("state", "list", "--state", STATE, check=0).out.split() == []
