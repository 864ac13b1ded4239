"""The digits of a SID may be written in capitals, wherever one is read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from reconciler.state.model import Bound, Opened, State
from reconciler.state.remembered import Binding, Intent
from reconciler.state.stores.file import StateStore
from tests.support.project import ACCOUNT, Project
from tests.support.sdk import client_at

DIGITS = "0123456789abcdef0123456789abcdef"


def capitals(sid: str) -> str:
    """Return a sid as somebody may have written it."""
    return sid[:2] + sid[2:].upper()


@pytest.fixture
def live(served: Project) -> dict[str, str]:
    """A service, a conversation with three messages and two participants of somebody else; their sids."""
    services = client_at(served.environ["RECONCILER_ENDPOINT"]).conversations.v1.services
    service = services.create(friendly_name="support")
    conversation = services(service.sid).conversations.create(unique_name="order")
    messages = services(service.sid).conversations(conversation.sid).messages
    posted = {key: messages.create(body=key).sid for key in ("one", "two", "three")}
    people = services(service.sid).conversations(conversation.sid).participants
    joined = {name: people.create(identity=name).sid for name in ("alice", "bob")}
    return {"service": service.sid, "conversation": conversation.sid, **posted, **joined}


def manifest(live: dict[str, str], *blocks: str) -> str:
    """Return a manifest of what is live, all sids in capitals."""
    return f"""\
version: 1
account: {capitals("AC" + DIGITS)}
services:
  support:
    sid: {capitals(live["service"])}
    conversations:
      order:
        sid: {capitals(live["conversation"])}
        participants: [{{identity: alice}}, {{identity: bob}}]
        messages:
          - {{key: one, body: one}}
          - {{key: two, body: two}}
          - {{key: three, body: three}}
{"".join(blocks)}"""


def test_blocks_commands_manifests_and_environment(served: Project, live: dict[str, str]) -> None:
    """What is imported both ways is bound, and no later command is blocked."""
    account = "AC" + DIGITS
    served.environ["TWILIO_ACCOUNT_SID"] = capitals(account)
    block = f"""\
import:
  - {{to: support/order/one, sid: {capitals(live["one"])}}}
  - {{to: support/order/participants/alice, sid: {capitals(live["alice"])}}}
"""
    served.write("manifests/m.yaml", manifest(live, block))

    served.run("import", "support/order/two", capitals(live["two"]), check=0)
    imported = served.run("import", "support/order/three", capitals(live["three"]), check=0)
    served.run("import", "support/order/participants/bob", capitals(live["bob"]), check=0)
    served.run("apply", "--auto-approve", check=0)

    assert imported.out == f"Imported support/order/three: {live['three']}\n"
    planned = served.run("plan", "--detailed-exitcode", check=0)
    assert planned.out.endswith("No changes. Your conversations match the manifests.\n")
    state = StateStore(served.folder / "reconciler.state.json").read()
    assert state is not None
    assert state.account_sid == account
    assert {binding.sid for binding in state.bindings.values()} == set(live.values())


def test_export_is_given_sids(served: Project, live: dict[str, str]) -> None:
    """Both options take them."""
    exported = served.run(
        "export", "--service", capitals(live["service"]), "--conversation", capitals(live["conversation"])
    )

    assert live["conversation"] in exported.out


def test_a_terraform_state(served: Project, live: dict[str, str]) -> None:
    """Its ids bind what they mean."""
    attributes = {"id": "/".join(capitals(live[kind]) for kind in ("service", "conversation", "one"))}
    resource = {
        "mode": "managed",
        "type": "twilio_conversations_services_conversations_messages_v1",
        "name": "one",
        "instances": [{"attributes": attributes | {"body": "one"}}],
    }
    served.write("terraform.tfstate", json.dumps({"version": 4, "resources": [resource]}))

    served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    served.run("plan", "--detailed-exitcode", check=0)


def test_an_older_state(served: Project, live: dict[str, str]) -> None:
    """What an older release took over in capitals is what is live."""
    served.write("manifests/m.yaml", manifest(live).replace("account:", "# account:"))
    for key in ("one", "two", "three"):
        served.run("import", f"support/order/{key}", live[key], check=0)
    path = served.folder / "reconciler.state.json"
    text = path.read_text(encoding="utf-8")
    for sid in (*live.values(), ACCOUNT):
        text = text.replace(sid, capitals(sid))
    path.write_text(text, encoding="utf-8")

    served.run("plan", "--detailed-exitcode", check=0)


def test_an_older_journal(tmp_path: Path) -> None:
    """What a run of an older release recorded last is read in the same way."""
    store = StateStore(tmp_path / "reconciler.state.json")
    im, ch, capital = f"IM{DIGITS}", f"CH{DIGITS}", capitals(f"IM{DIGITS}")
    binding = Binding(capital, conversation_sid=capitals(ch), superseded=(capital,))
    records = Bound("s/c/a", binding), Opened(Intent("s/c/b", conversation_sid=capitals(ch)))
    with store.begin(State("0" * 32, ACCOUNT, "https://example.com")) as journal:
        asyncio.run(journal.commit(*records))

    state = StateStore(store.path).read()

    assert state is not None
    assert state.bindings == {"s/c/a": Binding(im, conversation_sid=ch, superseded=(im,))}
    assert state.intents["s/c/b"].conversation_sid == ch


def test_texts_are_left_as_they_are(served: Project) -> None:
    """What only looks like a SID, and stands in a text, is the author's."""
    sid = f"CH{DIGITS.upper()}"
    served.write(
        "manifests/m.yaml",
        f"""\
version: 1
services:
  s:
    conversations:
      c:
        friendly_name: {sid}
        messages: [{{key: {sid}, author: {sid}, body: {sid}, attributes: {{sid: {sid}}}}}]
""",
    )
    served.run("apply", "--auto-approve", check=0)

    services = client_at(served.environ["RECONCILER_ENDPOINT"]).conversations.v1.services
    (conversation,) = services(services.list()[0].sid).conversations.list()
    (message,) = conversation.messages.list()

    assert conversation.friendly_name == message.author == message.body == sid
    assert json.loads(message.attributes) == {"sid": sid}
    served.run("plan", "--detailed-exitcode", check=0)
