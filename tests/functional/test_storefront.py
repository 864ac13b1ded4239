"""Whole conversations: people, pictures, a document and templates, as `examples/storefront` has them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator
from reconciler.emulator.fault_text import parse_fault
from tests.support.project import ROOT, Project
from tests.support.sdk import client_at

MANIFEST = "storefront/storefront.yaml"


@pytest.fixture
def shop(served: Project) -> Project:
    """A project that holds a copy of the example."""
    shutil.copytree(ROOT / "examples" / "storefront", served.folder / "storefront")
    return served


@pytest.fixture
def sdk(shop: Project) -> Client:
    """The official SDK, pointed at the emulator."""
    return client_at(shop.environ["RECONCILER_ENDPOINT"])


def conversations(sdk: Client) -> dict[str, Any]:
    """Return the conversations of the only service, by unique name."""
    (service,) = sdk.conversations.v1.services.list()
    return {one.unique_name: one for one in sdk.conversations.v1.services(service.sid).conversations.list()}


def planned(shop: Project, *flags: str) -> list[tuple[str, list[str], str]]:
    """Return what a plan would do: address, actions, reason."""
    document = json.loads(shop.run("plan", "storefront", "--format", "json", *flags).out)
    return [
        (change["address"], change["change"]["actions"], change["action_reason"])
        for change in document["resource_changes"]
    ]


def test_the_pictures_are_made_by_the_example(tmp_path: Path) -> None:
    """The committed files are what `make_media.py` makes."""
    shutil.copytree(ROOT / "examples" / "storefront", tmp_path / "storefront")
    shutil.rmtree(tmp_path / "storefront" / "media")

    subprocess.run([sys.executable, tmp_path / "storefront" / "make_media.py"], check=True)

    for path in sorted((ROOT / "examples" / "storefront" / "media").iterdir()):
        assert (tmp_path / "storefront" / "media" / path.name).read_bytes() == path.read_bytes()


def test_applied_it_is_complete_and_destroyed_it_is_gone(shop: Project, sdk: Client) -> None:
    """Applied, the next plan is empty; destroyed, the account is as it was before."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    assert shop.run("plan", "storefront", "--detailed-exitcode").code == 0

    shop.run("destroy", "storefront", "--auto-approve", check=0)

    assert sdk.conversations.v1.services.list() == []


def dump(remote: Emulator, *, without: frozenset[str] = frozenset()) -> list[str]:
    """Return everything that the emulator keeps, but for its counters and the tables in *without*."""
    lines = remote.store._database._connection.iterdump()
    ours = {f'INSERT INTO "{table}"' for table in {"sqlite_sequence", *without}}
    return sorted(line for line in lines if not line.startswith(tuple(ours)))


def test_destroyed_it_leaves_everything_as_it_was(shop: Project, remote: Emulator, sdk: Client) -> None:
    """A dump of all that the emulator keeps is the same before and after, other services included."""
    other = sdk.conversations.v1.services(sdk.conversations.v1.services.create("Other").sid)
    talk = other.conversations.create(unique_name="boots-fit", timers_inactive="P30D")
    talk.participants.create(identity="alice")
    talk.messages.create(author="alice", body="Not yours")
    before = dump(remote)

    shop.run("apply", "storefront", "--auto-approve", check=0)
    assert dump(remote) != before
    shop.run("destroy", "storefront", "--auto-approve", check=0)

    assert dump(remote) == before


def test_in_a_service_that_was_there_nothing_of_others_is_touched(
    shop: Project, remote: Emulator, sdk: Client
) -> None:
    """It stays with all that was in it; only the chat users that Twilio makes of participants are more."""
    service = sdk.conversations.v1.services(sdk.conversations.v1.services.create("Storefront").sid)
    talk = service.conversations.create(unique_name="boots")
    talk.participants.create(identity="alice")
    talk.messages.create(author="alice", body="Not yours")
    before = dump(remote, without=frozenset({"users"}))

    shop.run("apply", "storefront", "--auto-approve", check=0)
    shop.run("destroy", "storefront", "--auto-approve", check=0)

    assert dump(remote, without=frozenset({"users"})) == before
    assert {one.identity for one in service.users.list()} == {"alice", "carol", "dave", "erin", "nora"}


def test_the_sdk_reads_back_what_is_declared(shop: Project, sdk: Client) -> None:
    """Fields of conversations, participants and messages of every kind arrive as they are written."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    live = conversations(sdk)

    fit = live["boots-fit"]
    which, picture, advice = fit.messages.list()
    people = {one.identity: json.loads(one.attributes) for one in fit.participants.list()}
    (template, thanks) = live["shipped"].messages.list()
    (_, invoice) = live["invoice-0193"].messages.list()

    assert (fit.friendly_name, json.loads(fit.attributes)) == ("Boots: which size?", {"queue": "advice"})
    assert people == {"alice": {"tier": "gold"}, "nora": {"team": "sales"}}
    assert (which.author, which.body, which.date_created.isoformat()) == (
        "alice",
        "Do these run small?",
        "2026-03-02T08:14:00+00:00",
    )
    assert [(m["filename"], m["content_type"]) for m in picture.media] == [("boots.png", "image/png")]
    assert [(m["filename"], m["content_type"]) for m in invoice.media] == [
        ("invoice-0193.pdf", "application/pdf")
    ]
    assert (template.content_sid, template.body) == (
        "HX00000000000000000000000000000002",
        "Your order 5164 has shipped and arrives on Friday.",
    )
    assert (advice.index, thanks.author) == (2, "erin")


def test_a_changed_picture_is_one_replacement(shop: Project) -> None:
    """Bytes cannot be changed in place: the message is posted again, and says why."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    picture = shop.folder / "storefront" / "media" / "boots.png"
    picture.write_bytes(picture.read_bytes() + b"\0")

    assert planned(shop) == [
        ("storefront/boots-fit/picture", ["create", "delete"], "immutable_field"),
    ]
    shop.run("apply", "storefront", "--auto-approve", check=0)
    assert planned(shop) == []


def test_participants_change_with_the_manifest(shop: Project, sdk: Client) -> None:
    """Attributes are updated, a new one comes before the messages, one that is gone is removed after them."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    shop.edit(MANIFEST, "{tier: gold}", "{tier: silver}")
    shop.edit(MANIFEST, "participants: [{identity: dave}]", "participants: [{identity: frank}]")

    assert planned(shop) == [
        ("storefront/boots-fit/participants/alice", ["update"], "changed_in_manifest"),
        ("storefront/invoice-0193/participants/frank", ["create"], "not_in_state"),
        ("storefront/invoice-0193/participants/dave", ["delete"], "removed_from_manifest"),
    ]
    shop.run("apply", "storefront", "--auto-approve", check=0)
    assert [one.identity for one in conversations(sdk)["invoice-0193"].participants.list()] == ["frank"]
    assert planned(shop) == []


def test_a_participant_who_left_is_brought_back(shop: Project, sdk: Client) -> None:
    """Somebody else removed one: it is planned again, as missing."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    (dave,) = conversations(sdk)["invoice-0193"].participants.list()
    dave.delete()

    assert planned(shop) == [
        ("storefront/invoice-0193/participants/dave", ["create"], "missing_remotely"),
    ]


def test_a_lost_reply_leaves_one_participant(shop: Project, remote: Emulator, sdk: Client) -> None:
    """A participant whose reply was lost is found by its identity."""
    remote.faults.add(parse_fault("create_participant:reset_after"))

    shop.run("apply", "storefront", "--auto-approve", "--settle", "0", check=0)

    assert [one.identity for one in conversations(sdk)["shipped"].participants.list()] == ["erin"]
    assert planned(shop) == []


def test_real_messages_are_counted_and_held_back(shop: Project) -> None:
    """With somebody on SMS, apply refuses with the number of messages until `--allow-delivery` is given."""
    shop.edit(
        MANIFEST,
        "participants: [{identity: dave}]",
        "participants: [{key: dave, messaging_binding: {address: '+15550001', proxy_address: '+15550002'}}]",
    )

    refused = shop.run("apply", "storefront", "--auto-approve", check=1)

    assert "2 new messages in `storefront/invoice-0193` will really be sent to 1 participant" in refused.out
    assert "--allow-delivery" in refused.out
    shop.run("apply", "storefront", "--auto-approve", "--allow-delivery", check=0)


def test_somebody_on_sms_whom_no_manifest_names_counts_too(shop: Project, sdk: Client) -> None:
    """Participants that others added are looked at as soon as anything would be posted."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    conversations(sdk)["thank-you"].participants.create(
        messaging_binding_address="+15550001", messaging_binding_proxy_address="+15550002"
    )
    shop.edit(
        MANIFEST, "          - key: receipt\n", "          - {key: hi, body: Hi}\n          - key: receipt\n"
    )

    refused = shop.run("plan", "storefront", check=1)

    assert "1 new message in `storefront/thank-you` will really be sent to 1 participant" in refused.out


def test_a_saved_plan_reaches_nobody_it_did_not_speak_of(shop: Project, sdk: Client) -> None:
    """Somebody joined by SMS after it was reviewed; one whom it counted is no surprise."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    shop.edit(
        MANIFEST, "          - key: receipt\n", "          - {key: hi, body: Hi}\n          - key: receipt\n"
    )
    shop.run("plan", "storefront", "--out", "plan.bin", check=0)
    conversations(sdk)["thank-you"].participants.create(
        messaging_binding_address="+15550001", messaging_binding_proxy_address="+15550002"
    )

    stale = shop.run("apply", "plan.bin", check=1)

    assert stale.err.startswith("error: stale plan: `storefront/thank-you` is not as it was: MB")
    assert "outside the chat, would really get the messages" in stale.err
    shop.run("plan", "storefront", "--out", "plan.bin", "--allow-delivery", check=0)
    shop.run("apply", "plan.bin", check=0)


def test_closing_needs_a_word(shop: Project) -> None:
    """`closed` is final, so it takes a flag; then the conversation is closed and the plan is empty."""
    shop.run("apply", "storefront", "--auto-approve", check=0)
    shop.edit(
        MANIFEST,
        "        friendly_name: Invoice 0193\n",
        "        friendly_name: Invoice 0193\n        state: closed\n",
    )

    assert "--allow-close" in shop.run("apply", "storefront", "--auto-approve", check=1).out
    shop.run("apply", "storefront", "--auto-approve", "--allow-close", check=0)

    assert planned(shop) == []


@pytest.mark.parametrize("point", ["pause_before", "pause_after"])
def test_killed_around_the_create_of_a_picture(
    shop: Project, remote: Emulator, sdk: Client, tmp_path: Path, point: str
) -> None:
    """Killed between upload and create, or between create and reply: one message, with its picture."""
    marker = tmp_path / "marker"
    remote.faults.add(parse_fault(f"create_message:2:{point}={marker}"))
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "storefront", "--auto-approve", "--parallelism", "1"],
        cwd=shop.folder,
        env=shop.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not marker.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    marker.unlink()

    shop.run("apply", "storefront", "--auto-approve", "--settle", "0", check=0)

    assert planned(shop) == []
    for conversation in conversations(sdk).values():
        messages = conversation.messages.list()
        assert len(messages) == len({(message.body, str(message.media)) for message in messages})
    assert [len(m.media or ()) for m in conversations(sdk)["boots-fit"].messages.list()] == [0, 1, 0]
