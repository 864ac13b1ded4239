"""`export`: live conversations as manifests, which plan to nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator
from reconciler.state.remembered import Intent
from reconciler.state.stores.file import StateStore
from tests.support.golden import expect_golden
from tests.support.project import Project
from tests.support.sdk import client_at

CREATED = "2026-01-05T09:00:00Z"
STATE = "reconciler.state.json"
NO_CHANGES = "No changes. Your conversations match the manifests.\n"


@pytest.fixture
def sdk(served: Project) -> Client:
    """The official SDK, pointed at the emulator."""
    return client_at(served.environ["RECONCILER_ENDPOINT"])


@pytest.fixture
def desk(sdk: Client) -> Any:
    """A live service that was made by hand, with two conversations."""
    service = sdk.conversations.v1.services.create(friendly_name="Support desk")
    service = sdk.conversations.v1.services(service.sid)
    order = service.conversations.create(
        unique_name="order-1",
        friendly_name="Order 1: late",
        attributes='{"queue": "orders"}',
        date_created="2026-01-01T00:00:00Z",
    )
    post(order, "Hello, where is my parcel?", author="alice", attributes='{"channel": "web", "vip": true}')
    post(
        order,
        "It left today.\nMore: see your mail: soon\n",
        author="bob",
        date_updated="2026-01-05T10:00:00Z",
    )
    post(order, "::error::boo\n---\n\x1b[2J \u202e", author="mallory")
    invoice = service.conversations.create(date_created="2026-01-02T00:00:00Z", unique_name="invoice/7")
    post(invoice, "yes")
    return service


def post(conversation: Any, body: str, **fields: Any) -> Any:
    """Post a message with a date of its own, so that what is printed is the same in each run."""
    return conversation.messages.create(body=body, **{"date_created": CREATED, **fields})


def test_messages_are_written_in_their_order(served: Project, desk: Any) -> None:
    """Everything that can be read, quoted where YAML or a CI log would take it for something else."""
    del desk

    expect_golden(served.run("export"), "export")


def test_reading_changes_nothing(served: Project, desk: Any, remote: Emulator) -> None:
    """Nothing but GET is sent, and without bindings no file is made."""
    desk.fetch()  # by its answer, all requests before are on record
    remote.requests.clear()

    served.run("export", check=0)

    assert {request.method for request in remote.requests} == {"GET"}
    assert served.files() == set()


def test_a_bound_export_plans_to_nothing(served: Project, desk: Any) -> None:
    """A folder gets a file for each conversation, and `plan` and `fmt --check` are content with them."""
    del desk

    expect_golden(served.run("export", "--out", "manifests", "--bind"), "export-bound")

    assert {name for name in served.files() if name.endswith(".yaml")} == {
        "manifests/Support-desk/order-1.yaml",
        "manifests/Support-desk/invoice-7.yaml",
    }
    assert served.run("plan", "--detailed-exitcode", check=0).out.endswith(NO_CHANGES)
    served.run("fmt", "--check", check=0)


def test_the_state_holds_no_text(served: Project, desk: Any) -> None:
    """Keys are made of indexes, so that no author gets into an address."""
    del desk
    served.run("export", "--out", "manifests", "--bind", check=0)

    state = (served.folder / STATE).read_text(encoding="utf-8")
    assert [word for word in ("alice", "bob", "parcel", "web", "Order 1") if word in state] == []


def test_naming_a_state_binds_too(served: Project, desk: Any) -> None:
    """Whoever writes `--state` means it; the variable alone, which may be there for `plan`, does not."""
    del desk
    served.environ["RECONCILER_STATE"] = "other.json"
    served.run("export", "--out", "a.yaml", check=0)
    assert served.files() == {"a.yaml"}

    served.run("export", "--out", "b.yaml", "--state", "mine.json", check=0)

    served.run("plan", "b.yaml", "--state", "mine.json", "--detailed-exitcode", check=0)


def test_an_export_that_is_not_bound_is_adopted(served: Project, desk: Any) -> None:
    """`plan --adopt` holds adoptions only, and applying it sends nothing."""
    del desk
    served.run("export", "--out", "all.yaml", check=0)

    summary = json.loads(served.run("plan", "all.yaml", "--adopt", "--format", "json", check=0).out)[
        "summary"
    ]

    assert {name: count for name, count in summary.items() if count} == {"import": 4}


def test_exporting_again_writes_the_same(served: Project, desk: Any) -> None:
    """With the addresses that the state has by now, whatever they were renamed to."""
    del desk
    served.run("export", "--out", "a.yaml", "--bind", check=0)
    served.run("state", "mv", "Support-desk/order-1/m0000", "Support-desk/order-1/welcome", check=0)
    served.edit("a.yaml", "key: m0000\n            author: alice", "key: welcome\n            author: alice")

    served.run("export", "--out", "b.yaml", "--bind", check=0)

    assert (served.folder / "a.yaml").read_bytes() == (served.folder / "b.yaml").read_bytes()


def test_files_are_not_overwritten(served: Project, desk: Any) -> None:
    """Not even one of many, until `--force` says so."""
    del desk
    served.write("out/Support-desk/order-1.yaml", "precious")

    refused = served.run("export", "--out", "out")

    assert (refused.code, refused.err.splitlines()[0]) == (
        1,
        "error: `out/Support-desk/order-1.yaml` exists already",
    )
    assert "out/Support-desk/invoice-7.yaml" not in served.files()
    served.run("export", "--out", "out", "--force", check=0)
    served.run("validate", "out", check=0)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--service", "Support desk", "--conversation", "order-*"), ["order-1"]),
        (("--conversation", "invoice/7"), ["invoice-7"]),
        (("--service", "Sales"), ["lead"]),
    ],
)
def test_only_what_is_selected_is_read(
    served: Project, sdk: Client, desk: Any, arguments: tuple[str, ...], names: list[str]
) -> None:
    """By friendly name, unique name, or a glob over unique names."""
    del desk
    sales = sdk.conversations.v1.services.create(friendly_name="Sales")
    post(sdk.conversations.v1.services(sales.sid).conversations.create(unique_name="lead"), "Hi")

    written = served.run("export", *arguments, check=0).out

    assert re.findall(r"^      (\S+):$", written, re.MULTILINE) == names


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--service", "Nobody"), "error: no service is named `Nobody`"),
        (("--service", "IS" + "0" * 32), f"error: there is no service IS{'0' * 32}"),
        (("--conversation", "order-2"), "error: no conversation is named `order-2`"),
        (("--service", "Empty"), "error: there is no conversation to export"),
        (("--scrub", "--bind"), "error: a scrubbed manifest cannot be bound: the next apply would write the"),
        (("--salt", "x"), "error: `--salt` says nothing without `--scrub`"),
    ],
)
def test_what_cannot_be_meant_is_an_error(
    served: Project, sdk: Client, desk: Any, arguments: tuple[str, ...], error: str
) -> None:
    """A selection that matches nothing, and flags that contradict each other."""
    del desk
    sdk.conversations.v1.services.create(friendly_name="Empty")

    ran = served.run("export", *arguments, check=1)

    assert ran.err.startswith(error)
    assert ran.out == ""


def test_two_services_of_one_name_are_an_error(served: Project, sdk: Client, desk: Any) -> None:
    """Both are listed."""
    other = sdk.conversations.v1.services.create(friendly_name="Support desk")

    ran = served.run("export", "--service", "Support desk", check=1)

    assert {desk._solution["sid"], other.sid} <= set(re.findall(r"IS\w+", ran.err))


def test_a_scrubbed_export_can_be_applied_anywhere(served: Project, desk: Any) -> None:
    """It tells nothing of whose it was, and makes the same conversation elsewhere; twice the same."""
    del desk
    served.run("export", "--scrub", "--salt", "s", "--out", "a.yaml", check=0)
    served.run("export", "--scrub", "--salt", "s", "--out", "b.yaml", check=0)
    text = (served.folder / "a.yaml").read_text(encoding="utf-8")
    words = ("Support", "order", "alice", "bob", "mallory", "parcel", "queue", "channel", "invoice", "sid:")

    assert text == (served.folder / "b.yaml").read_text(encoding="utf-8")
    assert [word for word in words if word in text] == []
    served.environ = {"RECONCILER_ENDPOINT": "emulator"}
    applied = served.run("apply", "a.yaml", "--auto-approve", check=0)
    assert applied.out.endswith("Apply complete! Resources: 7 added, 0 changed, 0 destroyed.\n")


def test_an_open_create_must_be_settled_first(served: Project, desk: Any) -> None:
    """Its message might be one of those that are read."""
    del desk
    served.run("export", "--out", "a.yaml", "--bind", check=0)
    store = StateStore(served.folder / STATE)
    state = store.read()
    assert state is not None
    state.intents["Support-desk/order-1/new"] = Intent("Support-desk/order-1/new")
    store.write(state)

    ran = served.run("export", "--out", "b.yaml", "--bind", check=1)

    assert ran.err.startswith(
        "error: an earlier run left open whether `Support-desk/order-1/new` was created"
    )
    assert "b.yaml" not in served.files()
