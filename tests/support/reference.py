"""Twilio's reference as data: its operations, and one object of each kind on which to try them.

`operations.txt` has one operation a line: method, path, statuses, key of a list, fields of a resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

NOWHERE: Final = {
    ("GET", "Bindings"): "no device registers for push notifications",
    ("DELETE", "Bindings"): "no device registers for push notifications",
}
"""Operations on objects of which there are none."""
FORMS: Final[dict[str, dict[str, str]]] = {
    "Services": {"FriendlyName": "Walked"},
    "Conversations": {"FriendlyName": "Order"},
    "Messages": {"Body": "Hi", "Author": "alice"},
    "Participants": {"Identity": "erin"},
    "Users": {"Identity": "carol"},
    "Roles": {"FriendlyName": "helper", "Type": "conversation", "Permission": "sendMessage"},
    "Webhooks": {
        "Target": "webhook",
        "Configuration.Url": "http://127.0.0.1:9/",
        "Configuration.Filters": "onMessageAdded",
    },
    "Addresses": {"Type": "sms", "Address": "+15550009"},
    "Credentials": {"Type": "fcm", "FriendlyName": "push"},
    "ConversationWithParticipants": {"Participant": '{"identity": "dora"}'},
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


class Caller(Protocol):
    """Makes requests, and returns what a successful one shows."""

    def get(self, url: str, **query: str) -> dict[str, Any]:
        """Return what a GET shows."""

    def post(self, url: str, **form: str) -> dict[str, Any]:
        """Return what a POST made; `Timers_Inactive` stands for `Timers.Inactive`."""


class Trial(NamedTuple):
    """One operation to be tried."""

    operation: Operation
    path: str
    form: dict[str, str] | None
    query: dict[str, str] | None


class Scene:
    """One object of each kind, in a service and in the default one; no two have the same *number*."""

    def __init__(self, api: Caller, *, number: int = 0) -> None:
        self.api = api
        service = api.post("/v1/Services", FriendlyName="Walked")["sid"]
        default = api.get("/v1/Configuration")["default_chat_service_sid"]
        self.sids = {sid: self._made(sid, 2 * number + place) for place, sid in enumerate((service, default))}
        self._service, self._default = service, default
        self._account = {
            "Addresses": api.post("/v1/Configuration/Addresses", Type="sms", Address=f"+1557{number:04}")[
                "sid"
            ],
            "Credentials": api.post("/v1/Credentials", **FORMS["Credentials"])["sid"],
        }

    def _made(self, service: str, number: int) -> dict[str, str]:
        post, prefix = self.api.post, f"/v1/Services/{service}"
        conversation = post(f"{prefix}/Conversations", UniqueName=f"order-{number}")["sid"]
        one = f"{prefix}/Conversations/{conversation}"
        post(
            f"{one}/Participants",
            MessagingBinding_Address="+15550001",
            MessagingBinding_ProxyAddress=f"+1556{number:04}",
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
            "Users": self.api.get(f"{prefix}/Users/alice")["sid"],
            "Roles": post(f"{prefix}/Roles", **FORMS["Roles"])["sid"],
            "Webhooks": post(f"{one}/Webhooks", **FORMS["Webhooks"])["sid"],
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

    def trial(self, operation: Operation) -> Trial:
        """Return a request of *operation* that must succeed."""
        last = operation.path.rsplit("/", 1)[-1]
        is_create = operation.method == "POST" and 201 in operation.statuses
        form = FORMS[last] if is_create else UPDATES.get(operation.path.split("/")[-2])
        query = {"Identity": "alice"} if last == "ParticipantConversations" else None
        return Trial(operation, self.path(operation.path), form, query)
