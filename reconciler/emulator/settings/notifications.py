"""The push notifications of a service: what is set is kept, and nothing is ever pushed."""

from __future__ import annotations

from typing import Any, Final

from reconciler.emulator import fields as read
from reconciler.emulator.call import Call
from reconciler.emulator.fields import Fields
from reconciler.emulator.replies import ok
from reconciler.emulator.resources import Shelf
from reconciler.emulator.wire import Reply

_EVENTS: Final = {
    "NewMessage": "new_message",
    "AddedToConversation": "added_to_conversation",
    "RemovedFromConversation": "removed_from_conversation",
}
_FLAGS: Final = {"Enabled": "enabled", "BadgeCountEnabled": "badge_count_enabled"}
_TEXTS: Final = {"Template": "template", "Sound": "sound"}


def _shelf(call: Call) -> Shelf:
    return call.store.shelf("notifications", "", service_sid=call.names["service"])


def fetch_notifications(call: Call) -> Reply:
    """Return the settings of a service's notifications."""
    service_sid = call.names["service"]
    unset = {"log_enabled": False, **{event: {"enabled": False} for event in _EVENTS.values()}}
    return ok(
        {
            "account_sid": call.account_sid,
            "chat_service_sid": service_sid,
            **unset,
            **_shelf(call).setting(),
            "url": f"{call.origin}/v1/Services/{service_sid}/Configuration/Notifications",
        }
    )


def update_notifications(call: Call) -> Reply:
    """Change the settings of a service's notifications."""
    shelf = _shelf(call)
    with call.store.transaction():
        values = shelf.setting()
        logged = read.flag(call.form, "LogEnabled")
        if logged is not None:
            values["log_enabled"] = logged
        for name, event in _EVENTS.items():
            changed = _changed(call.form, f"{name}.")
            with_media = _changed(call.form, f"{name}.WithMedia.") if name == "NewMessage" else {}
            if with_media:
                before = values.get(event, {}).get("with_media", {"enabled": False})
                changed["with_media"] = before | with_media
            if changed:
                values[event] = {"enabled": False} | values.get(event, {}) | changed
        shelf.set(values)
    return fetch_notifications(call)


def _changed(fields: Fields, prefix: str) -> dict[str, Any]:
    flags = {shown: read.flag(fields, prefix + name) for name, shown in _FLAGS.items()}
    texts = {shown: fields.get(prefix + name) for name, shown in _TEXTS.items()}
    return {shown: value for shown, value in (flags | texts).items() if value is not None}
