"""Every operation of Twilio's reference is answered as it says, and every link leads somewhere.

`operations.txt` has one operation a line: method, path, statuses, key of a list, fields of a resource.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.support.api import ORIGIN, Api

NOWHERE: Final = {
    ("GET", "Bindings"): "no device registers for push notifications",
    ("DELETE", "Bindings"): "no device registers for push notifications",
}
"""Operations on objects of which there are none."""
FORMS: Final[dict[str, dict[str, str]]] = {
    "Services": {"FriendlyName": "Walked"},
    "Conversations": {"FriendlyName": "Order"},
    "Messages": {"Body": "Hi", "Author": "alice"},
    "Participants": {"Identity": "carol"},
    "Users": {"Identity": "carol"},
    "Roles": {"FriendlyName": "helper", "Type": "conversation", "Permission": "sendMessage"},
    "Webhooks": {
        "Target": "webhook",
        "Configuration.Url": "http://127.0.0.1:9/",
        "Configuration.Filters": "onMessageAdded",
    },
    "Addresses": {"Type": "sms", "Address": "+15550009"},
    "Credentials": {"Type": "fcm", "FriendlyName": "push"},
    "ConversationWithParticipants": {"Participant": '{"identity": "carol"}'},
}
"""The forms of creates, by the last name of their paths."""
UPDATES: Final = {"Roles": {"Permission": "leaveConversation"}}
"""The forms of updates that need one, by the name of the list."""


class Operation(NamedTuple):
    """One line of `operations.txt`."""

    method: str
    path: str
    statuses: tuple[int, ...]
    key: str
    fields: frozenset[str]


def _operations() -> Iterator[Operation]:
    for line in Path(__file__).with_name("operations.txt").read_text().splitlines():
        method, path, statuses, key, fields = line.split()
        yield Operation(
            method, path, tuple(map(int, statuses.split(","))), key.strip("-"), frozenset(fields.split(","))
        )


OPERATIONS: Final = tuple(_operations())


class World:
    """One object of each kind, in a service and in the default one."""

    def __init__(self, api: Api) -> None:
        self.api = api
        service = api.post("/v1/Services", FriendlyName="Walked")["sid"]
        default = api.get("/v1/Configuration")["default_chat_service_sid"]
        self.sids = {sid: self._made(sid) for sid in (service, default)}
        self._service, self._default = service, default
        self._account = {
            "Addresses": api.post("/v1/Configuration/Addresses", Type="sms", Address="+15550010")["sid"],
            "Credentials": api.post("/v1/Credentials", **FORMS["Credentials"])["sid"],
        }

    def _made(self, service: str) -> dict[str, str]:
        post, prefix = self.api.post, f"/v1/Services/{service}"
        conversation = post(f"{prefix}/Conversations", UniqueName="order")["sid"]
        one = f"{prefix}/Conversations/{conversation}"
        post(
            f"{one}/Participants",
            MessagingBinding_Address="+15550001",
            MessagingBinding_ProxyAddress=f"+1555{service[-4:]}",
        )
        alice = post(f"{one}/Participants", Identity="alice")["sid"]
        message = post(f"{one}/Messages", Body="Hi", Author="alice")["sid"]
        receipt = self.api.get(f"{one}/Messages/{message}/Receipts")["delivery_receipts"][0]["sid"]
        return {
            "Services": service,
            "Conversations": conversation,
            "Participants": alice,
            "Messages": message,
            "Receipts": receipt,
            "Users": self.api.get(f"{prefix}/Users")["users"][0]["sid"],
            "Roles": post(f"{prefix}/Roles", **FORMS["Roles"])["sid"],
            "Webhooks": self.api("POST", f"{one}/Webhooks", FORMS["Webhooks"]).json()["sid"],
            "Bindings": "BS" + "0" * 32,
        }

    def path(self, template: str) -> str:
        """Return a path of the reference with the sids of this world."""
        sids = (
            self._account | self.sids[self._service if template.startswith("/v1/Services") else self._default]
        )
        parts = template.split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                name = parts[place - 1]
                parts[place] = sids[name]
        return "/".join(parts)


@pytest.fixture
def walked(api: Api) -> World:
    """Return one object of each kind."""
    return World(api)


def test_the_reference_has_103_operations() -> None:
    """None was lost from the list."""
    assert len(set(OPERATIONS)) == 103


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_operation_is_answered_as_the_reference_says(walked: World, operation: Operation) -> None:
    """It has a status of the reference, and the fields of the resource."""
    last = operation.path.rsplit("/", 1)[-1]
    is_create = operation.method == "POST" and 201 in operation.statuses
    form = FORMS[last] if is_create else UPDATES.get(operation.path.split("/")[-2])
    query = {"Identity": "alice"} if last == "ParticipantConversations" else None
    reply = walked.api(operation.method, walked.path(operation.path), form, params=query)

    if last.startswith("{") and (operation.method, operation.path.split("/")[-2]) in NOWHERE:
        assert (reply.status_code, reply.json()["code"]) == (404, 20404)
        return
    assert reply.status_code in operation.statuses, reply.text
    if operation.method == "DELETE":
        return
    shown: Any = reply.json()
    if operation.key:
        assert shown["meta"]["key"] == operation.key
        rows = shown[operation.key]
        assert rows or last == "Bindings"
        shown = rows[0] if rows else dict.fromkeys(operation.fields)
    missing = operation.fields - shown.keys()
    assert missing <= ({"chat_service_sid"} if operation.path.startswith("/v1/Conv") else set())


def test_every_link_leads_somewhere(walked: World) -> None:
    """Whatever a reply links to is served, or says with 501 that it is not."""
    seen: dict[str, int] = {}
    waiting = [walked.path(one.path) for one in OPERATIONS if one.method == "GET" and one.key]
    waiting += ["/v1/Configuration"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        query = {"Identity": "alice"} if path.endswith("ParticipantConversations") else None
        method = "POST" if path.endswith("ConversationWithParticipants") else "GET"
        reply = walked.api(method, path, params=query)
        seen[path] = reply.status_code
        if reply.status_code < 300:
            waiting += _links(reply.json())
        else:
            assert reply.status_code == 501, path
            assert "does not serve" in reply.json()["message"]

    assert {path.rsplit("/", 1)[-1] for path, status in seen.items() if status == 501} == {
        "ChannelMetadata",
        "Export",
    }
    assert len(seen) > 60


def _links(shown: Any) -> Iterator[str]:
    """Yield the paths of all urls of the emulator in a reply."""
    for value in json.dumps(shown).split('"'):
        if value.startswith(ORIGIN):
            yield value.removeprefix(ORIGIN).partition("?")[0]
