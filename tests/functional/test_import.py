"""`import`: what exists is bound to an address, and nothing remote is changed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator
from reconciler.state.remembered import Intent
from reconciler.state.stores.file import StateStore
from tests.support.golden import expect_golden
from tests.support.hostile import CORPUS
from tests.support.project import Project
from tests.support.sdk import client_at, only_conversation

HELLO = "support/order-1/hello"
MANIFEST = """\
version: 1
services:
  support:
    conversations:
      order-1:
        messages:
          - {key: hello, author: alice, body: Hello there, attributes: {importance: low}}
"""


@pytest.fixture
def sdk(served: Project) -> Client:
    """The official SDK, pointed at the emulator."""
    return client_at(served.environ["RECONCILER_ENDPOINT"])


@pytest.fixture
def live(served: Project, sdk: Client) -> Any:
    """A live conversation, made by hand, and a manifest that says what its only message says."""
    served.write("manifests/a.yaml", MANIFEST)
    service = sdk.conversations.v1.services.create(friendly_name="support")
    conversation = sdk.conversations.v1.services(service.sid).conversations.create(unique_name="order-1")
    conversation.messages.create(author="alice", body="Hello there", attributes='{"importance": "low"}')
    return conversation


def only_message(conversation: Any) -> Any:
    """Return the one message of a conversation."""
    (message,) = conversation.messages.list()
    return message


def test_what_is_imported_plans_to_no_change(served: Project, live: Any) -> None:
    """The parents are found by the manifest, and the next plan is empty."""
    expect_golden(served.run("import", HELLO, only_message(live).sid), "import")
    expect_golden(served.run("plan", "--detailed-exitcode", check=0), "plan-after-import")


def test_whatever_strangers_wrote_is_imported_without_change(served: Project, remote: Emulator) -> None:
    """The hostile corpus as bodies, authors and attributes, taken over by an `import:` block."""
    store = remote.store
    service = store.services.create({"FriendlyName": "support"}).sid
    order = store.conversations.create(service, {"UniqueName": "order-1"}).sid
    for text in sorted({text for strings in CORPUS.values() for text in strings}):
        if "\0" not in text and not any(0xD800 <= ord(character) <= 0xDFFF for character in text):
            attributes = json.dumps({text: [text], "list": {"of": text}})
            fields = {"Body": f"{text}{text}", "Author": text[:100], "Attributes": attributes}
            store.messages.create(service, order, fields)
    served.run("export", "--out", "manifests/all.yaml", check=0)
    live = list(only_conversation(client_at(served.environ["RECONCILER_ENDPOINT"])).messages.list())
    entries = [f"  - {{to: support/order-1/m{message.index:04}, sid: {message.sid}}}\n" for message in live]
    served.write("manifests/import.yaml", "version: 1\nimport:\n" + "".join(entries))

    planned = json.loads(served.run("plan", "--format", "json", check=0).out)
    served.run("apply", "--auto-approve", check=0)

    assert len(live) > 290
    assert {name: count for name, count in planned["summary"].items() if count} == {"import": len(live)}
    assert all(change["fields"] == [] for change in planned["resource_changes"])
    served.run("plan", "--detailed-exitcode", check=0)
    served.run("drift", "--detailed-exitcode", check=0)
    assert {request.method for request in remote.requests} == {"GET"}


def test_import_sends_nothing_but_get(served: Project, live: Any, remote: Emulator) -> None:
    """Binding is the state's business alone."""
    sid = only_message(live).sid
    remote.requests.clear()

    served.run("import", HELLO, sid, check=0)

    assert {request.method for request in remote.requests} == {"GET"}


def test_what_cannot_be_read_back_is_assumed_equal(served: Project, live: Any) -> None:
    """A subject in the manifest is no change after an import, and the plan says that it is assumed."""
    served.edit("manifests/a.yaml", "body: Hello there", "body: Hello there, subject: Greeting")
    served.run("import", HELLO, only_message(live).sid, check=0)

    ran = served.run("plan", "--detailed-exitcode", check=0)

    assert "assumed" in ran.out
    assert "(assumed_equal)" in ran.out


def test_a_difference_is_planned_after_an_import(served: Project, live: Any) -> None:
    """The manifest wins over what was imported, as for any other message."""
    served.edit("manifests/a.yaml", "Hello there", "Good morning")
    served.run("import", HELLO, only_message(live).sid, check=0)

    served.run("apply", "--auto-approve", check=0)

    assert only_message(live).body == "Good morning"


def test_a_bound_message_is_refused_under_another_address(served: Project, live: Any) -> None:
    """One message has one address; the error names it."""
    sid = only_message(live).sid
    served.run("import", HELLO, sid, check=0)

    expect_golden(served.run("import", "support/order-1/again", sid), "import-elsewhere")


def test_import_settles_a_create_of_unknown_outcome(served: Project, live: Any) -> None:
    """With webhooks on nobody can tell which message is the lost one; once imported, the plan is empty."""
    served.run("import", HELLO, only_message(live).sid, check=0)
    served.write("manifests/a.yaml", MANIFEST + "          - {key: lost, body: Original, webhooks: true}\n")
    rewritten = live.messages.create(body="Rewritten by a hook", author="system")
    _open_intent(served, "support/order-1/lost", body="Original")
    assert "reconciler import support/order-1/lost SID" in served.run("plan", check=1).out

    served.run("import", "support/order-1/lost", rewritten.sid, check=0)

    assert "(rewritten_by_server)" in served.run("plan", "--detailed-exitcode", check=0).out


def _open_intent(project: Project, address: str, *, body: str) -> None:
    """Leave a create open in the state, as a run does whose reply was lost."""
    store = StateStore(project.folder / "reconciler.state.json")
    state = store.read()
    assert state is not None
    conversation = state.bindings["support/order-1"]
    state.intents[address] = Intent(
        address,
        service_sid=conversation.service_sid,
        conversation_sid=conversation.sid,
        boundary=0,
        match="0" * 32,
        sent={"body": state.digest("body", body)},
        webhooks=True,
        opened_at="2026-01-05T09:00:00Z",
    )
    store.write(msgspec.structs.replace(state))
