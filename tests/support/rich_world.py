"""A live world in which a plan has something of everything: made, changed by others, and declared anew."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.support.desk import Desk

_ROOMS = tuple(f"room-{number}" for number in range(24))


def text(key: str, **fields: Any) -> dict[str, Any]:
    """Return a message called *key* as a manifest has it."""
    return {"key": key, "body": f"text of {key}", **fields}


def texts(*keys: str) -> list[dict[str, Any]]:
    """Return a plain message for each key."""
    return [text(key) for key in keys]


def rooms(names: Iterable[str], *bodies: str) -> dict[str, Any]:
    """Return conversations of these *names*, each with messages `m0`, `m1`… of these *bodies*."""
    messages = [text(f"m{number}", body=body) for number, body in enumerate(bodies)]
    return {name: {"messages": messages} for name in names}


def manifest(services: dict[str, dict[str, Any]], **fields: Any) -> str:
    """Return a manifest in which *services* has the conversations of each."""
    declared = {name: {"conversations": inside} for name, inside in services.items()}
    return json.dumps({"version": 1, "services": declared, **fields})


def before() -> str:
    """Return the manifest that is applied first."""
    support: dict[str, Any] = {room: {"messages": texts(*"abcd")} for room in _ROOMS}
    support["strict"] = {"order": "strict", "messages": texts(*"abcde")}
    support["tidy"] = {"unmanaged": "delete", "messages": texts(*"ab")}
    support["any"] = {"order": "any", "messages": texts(*"ab")}
    support["old-name"] = {"friendly_name": "Old", "messages": texts(*"abc")}
    support["let-go"] = {"messages": texts(*"ab")}
    support["ended"] = {"messages": texts("a")}
    support["sleeping"] = {"messages": texts("a")}
    support["people"] = {"participants": [{"identity": "alice"}, {"identity": "bob"}], "messages": texts("a")}
    support["gone"] = {"messages": texts(*"abc")}
    support["secret"] = {"messages": [text("a", body="code ${var.code}")]}
    sales = {f"lead-{number}": {"messages": texts(*"abc")} for number in range(5)}
    archive = {f"year-{number}": {"messages": texts(*"ab")} for number in range(3)}
    return manifest({"support": support, "sales": sales, "archive": archive}, variables=_CODE)


def after(imported: str) -> str:
    """Return the manifest that is planned; *imported* is the sid of a message of `support/room-9`."""
    support: dict[str, Any] = {room: {"messages": texts(*"abcd")} for room in _ROOMS}
    support["room-0"]["messages"][1]["body"] = "changed in the manifest"
    support["room-1"]["messages"].append(text("new", webhooks=True))
    support["room-2"]["messages"] = texts(*"abc")
    support["room-3"]["messages"][3]["key"] = "renamed"
    support["room-4"]["friendly_name"] = "Room 4"
    support["room-5"]["messages"].insert(1, text("between"))
    support["room-6"]["messages"][0]["attributes"] = {"importance": "high"}
    support["room-7"]["messages"][2]["lifecycle"] = {"ignore_changes": ["body"]}
    support["room-8"]["messages"].append(text("later", date_created="2099-01-01T00:00:00Z"))
    support["room-9"]["messages"].append(text("imported", body="typed by hand"))
    support["room-10"]["messages"][0]["key"] = "first"
    support["room-11"]["messages"] = texts(*"abc")
    support["room-12"]["messages"].append(text("in-time", date_created="2020-01-01T00:00:00Z"))
    support["room-12"]["messages"].append(text("too-early", date_created="2019-01-01T00:00:00Z"))
    support["room-13"]["messages"][0]["attributes"] = '{"quoted": true}'
    support["room-14"]["messages"].append(
        text("refers", body="see ${service.fresh.sid} and ${service.support.sid}")
    )
    support["strict"] = {"order": "strict", "messages": texts(*"acbde")}
    support["tidy"] = {"unmanaged": "delete", "messages": texts(*"ab")}
    support["any"] = {"order": "any", "messages": texts(*"abc")}
    support["new-name"] = {"friendly_name": "Old", "unique_name": "old-name", "messages": texts(*"abcd")}
    support["ended"] = {"messages": texts("a")}
    support["sleeping"] = {"messages": texts(*"ab")}
    support["people"] = {
        "participants": [{"identity": "alice", "attributes": {"tier": "gold"}}, {"identity": "carol"}],
        "messages": [*texts("a"), text("b", author="carl")],
    }
    support["secret"] = {"messages": [text("a", body="new code ${var.code}")]}
    support["timed"] = {"timeline": {"start": "-2d"}, "messages": texts(*"ab")}
    support["made"] = {"messages": texts(*"abc")}
    fresh = {f"first-{number}": {"messages": texts(*"ab")} for number in range(3)}
    return manifest(
        {"support": support, "fresh": fresh},
        variables=_CODE,
        moved=[
            {"from": "support/old-name", "to": "support/new-name"},
            {"from": "support/room-10/a", "to": "support/room-10/first"},
        ],
        removed=[{"from": "support/let-go"}, {"from": "support/room-11/d"}],
        **{"import": [{"to": "support/room-9/imported", "sid": imported}]},
    )


_CODE = {"code": {"type": "string", "sensitive": True, "default": "1234"}}


def make(desk: Desk) -> str:
    """Apply the first manifest, change the world as others would, and return the manifest to plan."""
    desk.apply(before())
    services = _services(desk)
    support, store = services["support"], desk.emulator.store

    def post(room: str, body: str) -> str:
        return store.messages.create(support, room, {"Author": "guest", "Body": body}).sid

    def sid_of(address: str) -> str:
        return desk.state.bindings[address].sid

    for room in ("room-0", "room-7", "room-15"):
        store.messages.update(support, room, sid_of(f"support/{room}/c"), {"Body": "changed by a guest"})
    store.messages.delete(support, "room-16", sid_of("support/room-16/d"))
    for room in ("tidy", "room-17"):
        post(room, "a stranger's text")
    store.conversations.update(support, "ended", {"State": "closed"})
    store.conversations.update(support, "sleeping", {"State": "inactive"})
    store.conversations.create(services["archive"], {"UniqueName": "made-by-others"})
    return after(post("room-9", "typed by hand"))


def _services(desk: Desk) -> dict[str, str]:
    """Return the sid of each live service, by friendly name."""
    return dict(desk._rows("SELECT friendly_name, sid FROM services"))
