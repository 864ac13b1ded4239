"""The official SDK reads back every declared field of every object of every example."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.rest import Client

from reconciler import api
from reconciler.model import Conversation, Desired, Message, Participant
from reconciler.model.canonical import duration_seconds
from reconciler.planner.timeline import resolve_times
from reconciler.plans.options import Options
from reconciler.plans.sid_references import filled
from reconciler.resources.conversation import conversation_values
from reconciler.resources.message import desired_values
from reconciler.resources.participant import participant_values
from reconciler.state.stores.file import StateStore
from tests.support.project import ACCOUNT, ROOT, Project
from tests.support.sdk import client_at

EXAMPLES = sorted(
    {
        path.parent.name
        for path in (ROOT / "examples").glob("*/*.yaml")
        if "\nservices:" in path.read_text(encoding="utf-8")
    }
    - {
        path.parent.name for path in (ROOT / "examples").glob("*/reconciler.yaml")
    }  # which test_environments runs
)
VARIABLES = {"python": {"city": "Lisbon"}, "variables": {"door_code": "4711"}}
ENVIRON = {"DEPLOYED_BY": "mia", "BUILD": "5164"}
RENDERED = {
    "HX00000000000000000000000000000002": "Your order {1} has shipped and arrives on {2}.",
    "HX00000000000000000000000000000004": "Your parcel {1} is at the door.",
    "HX0123456789abcdef0123456789abcdef": "Thank you, {1}. Here is your receipt.",
}
EVERYTHING = f"""\
version: 1
services:
  shop:
    friendly_name: The shop
    conversations:
      whole:
        unique_name: the whole/thing
        friendly_name: Whole
        attributes: {{a: [1, true, null], b: ünï}}
        state: closed
        messaging_service_sid: MG{"0" * 32}
        timers: {{inactive: PT90M, closed: P1DT12H}}
        bindings: {{email: {{address: whole@example.com, name: Whole}}}}
        participants:
          - {{identity: alice, role_sid: RL{"1" * 32}, attributes: {{tier: gold}}}}
          - key: sms
            messaging_binding: {{address: "+15550001", proxy_address: "+15550002"}}
            attributes: 7
          - {{key: mms, identity: bob, messaging_binding: {{projected_address: "+15550003"}}}}
        messages:
          - key: all
            author: alice
            body: "Line\\nline\\t👋"
            attributes: [{{deep: {{er: 1.5}}}}]
            date_created: 2026-01-05T09:00:00Z
            date_updated: 2026-01-06T09:00:00+01:00
            subject: Greeting
          - key: file
            author: bob
            body: See this
            media: {{file: a.txt, content_type: text/x-a, filename: b.txt}}
          - {{key: card, author: alice, content_sid: HX{"0" * 31}4, content_variables: {{"1": "5164"}}}}
"""


def instant(text: str) -> datetime:
    """Return what a manifest means, as the SDK shows it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def runs_out(date: str, length: str) -> bool:
    """Return whether a timer of that length, started moments ago, runs out at *date*."""
    seconds = (datetime.fromisoformat(date) - datetime.now(UTC)).total_seconds()
    return abs(seconds - (duration_seconds(length) or 0)) < 600


OF_CONVERSATION: dict[str, Callable[[Any, str], bool]] = {
    "unique_name": lambda live, text: live.unique_name == text,
    "friendly_name": lambda live, text: live.friendly_name == text,
    "attributes": lambda live, text: json.loads(live.attributes) == json.loads(text),
    "state": lambda live, text: live.state == text,
    "messaging_service_sid": lambda live, text: live.messaging_service_sid == text,
    "timers_inactive": lambda live, text: runs_out(live.timers["date_inactive"], text),
    "timers_closed": lambda live, text: runs_out(live.timers["date_closed"], text),
    "email_address": lambda live, text: live.bindings["email"]["address"] == text,
    "email_name": lambda live, text: live.bindings["email"]["name"] == text,
}
OF_PARTICIPANT: dict[str, Callable[[Any, str], bool]] = {
    "identity": lambda live, text: live.identity == text,
    "address": lambda live, text: live.messaging_binding["address"] == text,
    "proxy_address": lambda live, text: live.messaging_binding["proxy_address"] == text,
    "projected_address": lambda live, text: live.messaging_binding["projected_address"] == text,
    "role_sid": lambda live, text: live.role_sid == text,
    "attributes": lambda live, text: json.loads(live.attributes) == json.loads(text),
}
OF_MESSAGE: dict[str, Callable[[Any, str], bool]] = {
    "author": lambda live, text: live.author == text,
    "body": lambda live, text: live.body == text,
    "attributes": lambda live, text: json.loads(live.attributes) == json.loads(text),
    "date_created": lambda live, text: live.date_created == instant(text),
    "date_updated": lambda live, text: live.date_updated == instant(text),
    "subject": lambda _live, _text: True,  # no reply shows it
    "content_sid": lambda live, text: live.content_sid == text,
    "content_variables": lambda live, text: live.body == rendered(live.content_sid, text),
}


def rendered(content_sid: str, variables: str) -> str:
    """Return what a template says with these variables."""
    text = RENDERED[content_sid]
    for name, value in json.loads(variables).items():
        text = text.replace(f"{{{name}}}", value)
    return text


def read_at(project: Project, folder: Path, variables: dict[str, str]) -> Desired:
    """Apply what is in *folder* over HTTP; return what it declares, with the dates and sids of the apply."""
    desired = api.load(folder, variables=variables, environ=ENVIRON, allow_env=tuple(ENVIRON))
    state = project.folder / "state.json"
    settings = api.settings(project.environ["RECONCILER_ENDPOINT"], state=state, environ=project.environ)
    assert api.apply(desired, settings, Options(allow_close=True, allow_delivery=True)) is not None
    assert api.plan(desired, settings).plan.actions == ()
    remembered = StateStore(state).read()
    assert remembered is not None
    sids = {service.name: remembered.bindings[service.name].sid for service in desired.services}
    return filled(resolve_times(desired, remembered, datetime.now(UTC)).desired, sids).desired


def wrong_fields(
    live: Any, declared: dict[str, str], readers: dict[str, Callable[[Any, str], bool]]
) -> list[str]:
    """Return the declared fields that *live* does not show as they are declared."""
    return [name for name, text in declared.items() if not readers[name](live, text)]


def participant_of(one: Participant, lives: list[Any]) -> Any:
    """Return the live participant that *one* declares."""
    (live,) = (
        live
        for live in lives
        if (live.identity or live.messaging_binding["address"]) == (one.identity or one.address)
    )
    return live


def wrong_file(live: Any, one: Message, service: str, project: Project) -> list[str]:
    """Return what differs between a declared file and the one that the message carries, its bytes too."""
    if one.file is None:
        return []
    (media,) = live.media
    url = f"{project.environ['RECONCILER_ENDPOINT']}/v1/Services/{service}/Media/{media['sid']}/Content"
    content = httpx.get(url, auth=(ACCOUNT, "sesame-open")).content
    pairs = {
        "sha256": (hashlib.sha256(content).hexdigest(), one.media),
        "size": (media["size"], one.file.size),
        "content_type": (media["content_type"], one.file.content_type),
        "filename": (media["filename"], one.file.filename),
    }
    return [name for name, (shown, declared) in pairs.items() if shown != declared]


def wrong_in(live: Any, one: Conversation, service: str, project: Project) -> dict[str, list[str]]:
    """Return for each object of a conversation the fields that are not as declared."""
    wrong = {one.name: wrong_fields(live, conversation_values(one), OF_CONVERSATION)}
    people, messages = live.participants.list(), live.messages.list()
    assert (len(people), len(messages)) == (len(one.participants), len(one.messages))
    for member in one.participants:
        found = participant_of(member, people)
        wrong[f"{one.name}/participants/{member.key}"] = wrong_fields(
            found, participant_values(member), OF_PARTICIPANT
        )
    for message, shown in zip(one.messages, messages, strict=True):
        fields = {name: text for name, text in desired_values(message).items() if name != "media"}
        wrong[f"{one.name}/{message.key}"] = [
            *wrong_fields(shown, fields, OF_MESSAGE),
            *wrong_file(shown, message, service, project),
        ]
    return {address: fields for address, fields in wrong.items() if fields}


@pytest.mark.parametrize("example", [*EXAMPLES, "everything"])
def test_every_declared_field_is_read_back(served: Project, example: str) -> None:
    """Of services, conversations, participants, messages in their order, and files down to their bytes."""
    folder = served.folder / example
    if example == "everything":
        served.write("everything/m.yaml", EVERYTHING)
        served.write("everything/a.txt", "A")
    else:
        shutil.copytree(ROOT / "examples" / example, folder)
    desired = read_at(served, folder, VARIABLES.get(example, {}))
    sdk: Client = client_at(served.environ["RECONCILER_ENDPOINT"])
    services = {one.friendly_name: one.sid for one in sdk.conversations.v1.services.list()}

    wrong: dict[str, list[str]] = {}
    compared = 0
    for service in desired.services:
        sid = services[service.friendly_name]
        lives = {one.unique_name: one for one in sdk.conversations.v1.services(sid).conversations.list()}
        assert lives.keys() == {one.unique_name for one in service.conversations}
        for one in service.conversations:
            wrong |= wrong_in(lives[one.unique_name], one, sid, served)
            compared += len(one.messages)

    assert wrong == {}
    assert compared
