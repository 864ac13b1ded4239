"""Every operation of Twilio's reference is answered as it says, and every link leads somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.api import ORIGIN, Api
from tests.support.reference import NOWHERE, OPERATIONS, Operation, Scene


@pytest.fixture
def walked(api: Api) -> Scene:
    """Return one object of each kind."""
    return Scene(api)


def test_the_reference_has_103_operations() -> None:
    """None was lost from the list."""
    assert len(set(OPERATIONS)) == 103


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_operation_is_answered_as_the_reference_says(api: Api, walked: Scene, operation: Operation) -> None:
    """It has a status of the reference, and the fields of the resource."""
    last = operation.path.rsplit("/", 1)[-1]
    _, path, form, query = walked.trial(operation)
    reply = api(operation.method, path, form, params=query)

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


def test_every_link_leads_somewhere(api: Api, walked: Scene) -> None:
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
        reply = api(method, path, params=query)
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
