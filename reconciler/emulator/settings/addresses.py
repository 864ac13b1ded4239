"""The addresses that would make conversations of their own; no message comes in here, so they make none."""

from __future__ import annotations

from typing import Any, Final

from reconciler.emulator import fields as read
from reconciler.emulator.call import Call
from reconciler.emulator.decisions import MAX_PAGE_SMALL
from reconciler.emulator.errors import ApiError
from reconciler.emulator.replies import GONE, created, joined, ok
from reconciler.emulator.resources import Resource, Shelf
from reconciler.emulator.wire import Reply

_TYPES: Final = ("sms", "whatsapp", "messenger", "gbm", "email", "rcs", "apple", "chat")
_CREATION: Final = "AutoCreation."


def _shelf(call: Call) -> Shelf:
    return call.store.shelf("address", "IG")


def _show(call: Call, address: Resource) -> dict[str, Any]:
    return {
        "sid": address.sid,
        "account_sid": call.account_sid,
        **address.values,
        "url": f"{call.origin}/v1/Configuration/Addresses/{address.sid}",
    }


def _creation(call: Call) -> dict[str, Any]:
    """Return what the request says of conversations that a message to this address would make."""
    form, retries = call.form, call.form.get(f"{_CREATION}StudioRetryCount")
    if retries is not None and not (retries.isascii() and retries.isdigit()):
        raise ApiError(20001, f"Invalid parameter: {_CREATION}StudioRetryCount")
    method = form.get(f"{_CREATION}WebhookMethod")
    values = {
        "enabled": read.flag(form, f"{_CREATION}Enabled"),
        "type": read.choice(form, f"{_CREATION}Type", ("webhook", "studio", "default")),
        "conversation_service_sid": read.sid(form, f"{_CREATION}ConversationServiceSid", "IS"),
        "webhook_url": form.get(f"{_CREATION}WebhookUrl"),
        "webhook_method": read.choice({"": method.upper()}, "", ("GET", "POST")) if method else None,
        "webhook_filters": call.values(f"{_CREATION}WebhookFilters"),
        "studio_flow_sid": read.sid(form, f"{_CREATION}StudioFlowSid", "FW"),
        "studio_retry_count": None if retries is None else int(retries),
    }
    return {name: value for name, value in values.items() if value is not None}


def create_address(call: Call) -> Reply:
    """Configure an address."""
    form, shelf = call.form, _shelf(call)
    kind, address = read.choice(form, "Type", _TYPES), form.get("Address")
    if kind is None or not address:
        raise ApiError(20001, "Missing required parameter: Type and Address are needed")
    if any(one.values["address"] == address for one in shelf.all()):
        raise ApiError(20409, "The address is configured already", 409)
    values = {
        "type": kind,
        "address": address,
        "friendly_name": read.name(form, "FriendlyName", 50003, "Friendly name too long"),
        "auto_creation": {"enabled": False, "type": "default"} | _creation(call),
        "address_country": form.get("AddressCountry"),
    }
    return created(_show(call, shelf.create(values)))


def list_addresses(call: Call) -> Reply:
    """List addresses, of one type if asked to."""
    place, kind = call.cut(MAX_PAGE_SMALL), call.query.get("Type")
    page = _shelf(call).page(place.start, place.size, None if kind is None else ("type", kind))
    return call.page("address_configurations", page, place, joined(lambda row: _show(call, Resource.of(row))))


def fetch_address(call: Call) -> Reply:
    """Return one address."""
    return ok(_show(call, _shelf(call).get(call.names["address"])))


def update_address(call: Call) -> Reply:
    """Change what the request mentions."""
    shelf, sid = _shelf(call), call.names["address"]
    name = read.name(call.form, "FriendlyName", 50003, "Friendly name too long")
    values: dict[str, Any] = {} if name is None else {"friendly_name": name}
    creation = _creation(call)
    if creation:
        values["auto_creation"] = shelf.get(sid).values["auto_creation"] | creation
    return ok(_show(call, shelf.update(sid, values)))


def delete_address(call: Call) -> Reply:
    """Delete an address."""
    _shelf(call).delete(call.names["address"])
    return GONE
