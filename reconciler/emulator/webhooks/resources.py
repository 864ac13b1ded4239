"""The resources that ask for webhooks: of the account, of a service, and of a conversation."""

from __future__ import annotations

from typing import Any, Final

from reconciler.emulator import fields as read
from reconciler.emulator.call import Call
from reconciler.emulator.errors import ApiError
from reconciler.emulator.fields import Fields
from reconciler.emulator.replies import GONE, created, joined, ok
from reconciler.emulator.resources import Resource, Shelf
from reconciler.emulator.store import Store
from reconciler.emulator.webhooks.events import AFTER, BEFORE, OF_A_CONVERSATION
from reconciler.emulator.webhooks.targets import is_url
from reconciler.emulator.wire import Reply

MOST: Final = 5
"""Webhooks of one conversation, and triggers of one webhook."""
URL_CHARACTERS: Final = 512
TRIGGER_CHARACTERS: Final = 248
_TARGETS: Final = ("webhook", "trigger", "studio")
_UNSET: Final[dict[str, Any]] = {
    "pre_webhook_url": None,
    "post_webhook_url": None,
    "filters": [],
    "method": "POST",
}


def settings(store: Store, service_sid: str | None) -> Shelf:
    """Return the place of the webhooks of a service, or of the account."""
    return store.shelf("webhook settings", "", service_sid=service_sid)


def of_conversation(store: Store, service_sid: str, conversation_ref: str) -> Shelf:
    """Return the webhooks of a conversation."""
    return store.shelf("webhook", "WH", service_sid=service_sid, conversation_sid=conversation_ref)


def _fetch(call: Call, *, service: bool) -> Reply:
    service_sid = call.names["service"] if service else None
    values = _UNSET | settings(call.store, service_sid).setting()
    parents = {"account_sid": call.account_sid}
    prefix = f"{call.origin}/v1"
    if service_sid is None:
        values = {"target": "webhook"} | values
    else:
        parents["chat_service_sid"] = service_sid
        prefix += f"/Services/{service_sid}"
    return ok(parents | values | {"url": f"{prefix}/Configuration/Webhooks"})


def _update(call: Call, *, service: bool) -> Reply:
    values: dict[str, Any] = {}
    for name, field, code in (
        ("PreWebhookUrl", "pre_webhook_url", 50077),
        ("PostWebhookUrl", "post_webhook_url", 50078),
    ):
        url = call.form.get(name)
        if url and not is_url(url):
            raise ApiError(code, f"{name} is invalid")
        if url is not None:
            values[field] = url or None
    method = call.form.get("Method")
    if method is not None:
        values["method"] = read.choice({"Method": method.upper()}, "Method", ("GET", "POST"), 50055)
    filters = call.values("Filters")
    if filters is not None:
        values["filters"] = _filters(filters, (*BEFORE, *AFTER), 50054)
    target = None if service else read.choice(call.form, "Target", ("webhook", "flex"), 50054)
    if target is not None:
        values["target"] = target
    with call.store.transaction():
        shelf = settings(call.store, call.names["service"] if service else None)
        shelf.set(_UNSET | shelf.setting() | values)
    return _fetch(call, service=service)


def _filters(given: list[str], known: tuple[str, ...], code: int) -> list[str]:
    """Return the events asked for; one that is empty asks for none."""
    wanted = [one for one in given if one]
    if any(one not in known for one in wanted):
        raise ApiError(code, "Webhook filter is invalid")
    return list(dict.fromkeys(wanted))


def fetch_webhook_configuration(call: Call) -> Reply:
    """Return the webhooks of the account."""
    return _fetch(call, service=False)


def update_webhook_configuration(call: Call) -> Reply:
    """Change the webhooks of the account."""
    return _update(call, service=False)


def fetch_service_webhook_configuration(call: Call) -> Reply:
    """Return the webhooks of a service."""
    return _fetch(call, service=True)


def update_service_webhook_configuration(call: Call) -> Reply:
    """Change the webhooks of a service."""
    return _update(call, service=True)


def _shelf(call: Call) -> tuple[str, Shelf]:
    sid = call.store.conversations.get(call.home.service_sid, call.names["conversation"]).sid
    return sid, of_conversation(call.store, call.home.service_sid, sid)


def _show(call: Call, conversation_sid: str, webhook: Resource) -> dict[str, Any]:
    home = call.home
    values = {name: value for name, value in webhook.values.items() if name != "replay_after"}
    return {
        "sid": webhook.sid,
        "account_sid": home.account_sid,
        "chat_service_sid": home.service_sid,
        "conversation_sid": conversation_sid,
        **values,
        "url": f"{home.url}/Conversations/{conversation_sid}/Webhooks/{webhook.sid}",
    }


def create_webhook(call: Call) -> Reply:
    """Create a webhook of a conversation."""
    sid, shelf = _shelf(call)
    target = call.form.get("Target")
    if not target:
        raise ApiError(50368, "Webhook target is missing")
    read.choice(call.form, "Target", _TARGETS, 50364)
    with call.store.transaction():
        if len(shelf.all()) >= MOST:
            raise ApiError(50361, "Webhooks limit exceeded for this conversation")
        values: dict[str, Any] = {"target": target, "configuration": _configuration(call, target, {})}
        replay_after = call.form.get("Configuration.ReplayAfter")
        if replay_after is not None:
            if not (replay_after.isascii() and replay_after.isdigit()):
                raise ApiError(20001, "Invalid parameter: Configuration.ReplayAfter")
            values["replay_after"] = int(replay_after)
        return created(_show(call, sid, shelf.create(values)))


def list_webhooks(call: Call) -> Reply:
    """List the webhooks of a conversation."""
    sid, shelf = _shelf(call)
    place = call.cut(MOST)
    show = joined(lambda row: _show(call, sid, Resource.of(row)))
    return call.page("webhooks", shelf.page(place.start, place.size), place, show)


def fetch_webhook(call: Call) -> Reply:
    """Return one webhook of a conversation."""
    sid, shelf = _shelf(call)
    return ok(_show(call, sid, shelf.get(call.names["webhook"])))


def update_webhook(call: Call) -> Reply:
    """Change what the request mentions of a webhook of a conversation."""
    sid, shelf = _shelf(call)
    before = shelf.get(call.names["webhook"]).values
    configuration = _configuration(call, before["target"], before["configuration"])
    changed = {} if configuration == before["configuration"] else {"configuration": configuration}
    return ok(_show(call, sid, shelf.update(call.names["webhook"], changed)))


def delete_webhook(call: Call) -> Reply:
    """Delete a webhook of a conversation."""
    _, shelf = _shelf(call)
    shelf.delete(call.names["webhook"])
    return GONE


def _configuration(call: Call, target: str, before: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a webhook as a reply shows it, made from *before* and the request."""
    form = call.form
    if target == "studio":
        sid = read.sid(form, "Configuration.FlowSid", "FW", code=50367) or before.get("flow_sid")
        if sid is None:
            raise ApiError(50367, "Webhook flow SID is missing")
        return {"flow_sid": sid}
    made = {"url": _url(form, before), "method": _method(form) or before.get("method", "post")}
    if target == "trigger":
        triggers = call.values("Configuration.Triggers")
        if triggers is None and not before:
            raise ApiError(50371, "Webhook trigger is missing")
        return made | {"triggers": before["triggers"] if triggers is None else _triggers(triggers)}
    filters = call.values("Configuration.Filters")
    if filters is None and not before:
        raise ApiError(50370, "Webhook filter is missing")
    return made | {
        "filters": before["filters"] if filters is None else _filters(filters, OF_A_CONVERSATION, 50365)
    }


def _url(form: Fields, before: dict[str, Any]) -> str:
    url = form.get("Configuration.Url") or before.get("url")
    if url is None:
        raise ApiError(50369, "Webhook url is missing")
    if len(url) > URL_CHARACTERS or not is_url(url):
        raise ApiError(50372, "Webhook url is invalid")
    return str(url)


def _method(form: Fields) -> str | None:
    method = form.get("Configuration.Method")
    if method is None:
        return None
    return read.choice({"Configuration.Method": method.lower()}, "Configuration.Method", ("get", "post"))


def _triggers(triggers: list[str]) -> list[str]:
    if len(triggers) > MOST:
        raise ApiError(50362, "Webhook triggers limit exceeded")
    if any(not 1 <= len(one) <= TRIGGER_CHARACTERS for one in triggers):
        raise ApiError(50366, "Webhook trigger is invalid")
    return triggers
