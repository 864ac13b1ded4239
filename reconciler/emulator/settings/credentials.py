"""The credentials for push notifications. Nothing is pushed, so keys and certificates are not kept."""

from __future__ import annotations

from typing import Any, Final

from reconciler.emulator import fields as read
from reconciler.emulator.call import Call
from reconciler.emulator.decisions import MAX_PAGE
from reconciler.emulator.errors import ApiError
from reconciler.emulator.replies import GONE, created, joined, ok
from reconciler.emulator.resources import Resource, Shelf
from reconciler.emulator.wire import Reply

_TYPES: Final = ("apn", "gcm", "fcm")


def _shelf(call: Call) -> Shelf:
    return call.store.shelf("credential", "CR")


def _show(call: Call, credential: Resource) -> dict[str, Any]:
    return {
        "sid": credential.sid,
        "account_sid": call.account_sid,
        **credential.values,
        "url": f"{call.origin}/v1/Credentials/{credential.sid}",
    }


def _given(call: Call) -> dict[str, Any]:
    sandbox = read.flag(call.form, "Sandbox")
    values = {
        "type": read.choice(call.form, "Type", _TYPES),
        "friendly_name": read.name(call.form, "FriendlyName", 50003, "Friendly name too long"),
        "sandbox": None if sandbox is None else str(sandbox),
    }
    return {name: value for name, value in values.items() if value is not None}


def create_credential(call: Call) -> Reply:
    """Create a credential."""
    values = _given(call)
    if "type" not in values:
        raise ApiError(20001, "Missing required parameter: Type")
    return created(_show(call, _shelf(call).create({"friendly_name": None, "sandbox": "False"} | values)))


def list_credentials(call: Call) -> Reply:
    """List credentials."""
    place = call.cut(MAX_PAGE)
    page = _shelf(call).page(place.start, place.size)
    return call.page("credentials", page, place, joined(lambda row: _show(call, Resource.of(row))))


def fetch_credential(call: Call) -> Reply:
    """Return one credential."""
    return ok(_show(call, _shelf(call).get(call.names["credential"])))


def update_credential(call: Call) -> Reply:
    """Change what the request mentions."""
    return ok(_show(call, _shelf(call).update(call.names["credential"], _given(call))))


def delete_credential(call: Call) -> Reply:
    """Delete a credential."""
    _shelf(call).delete(call.names["credential"])
    return GONE
