"""The configurations of the account and of a service."""

from __future__ import annotations

from typing import Any, Final

from reconciler.emulator import fields as read
from reconciler.emulator.call import Call
from reconciler.emulator.replies import ok
from reconciler.emulator.resources import Shelf
from reconciler.emulator.wire import Reply

_ROLES: Final = {
    "DefaultConversationCreatorRoleSid": "default_conversation_creator_role_sid",
    "DefaultConversationRoleSid": "default_conversation_role_sid",
    "DefaultChatServiceRoleSid": "default_chat_service_role_sid",
}


def fetch_configuration(call: Call) -> Reply:
    """Return the account's configuration."""
    url, account = f"{call.origin}/v1/Configuration", call.store.account
    default, timers = call.store.services.default().sid, account.default_timers()
    return ok(
        {
            "account_sid": call.account_sid,
            "default_chat_service_sid": default,
            "default_messaging_service_sid": account.messaging_service_sid,
            "default_inactive_timer": timers.get("Timers.Inactive"),
            "default_closed_timer": timers.get("Timers.Closed"),
            "url": url,
            "links": {
                "service": f"{call.origin}/v1/Services/{default}/Configuration",
                "webhooks": f"{url}/Webhooks",
            },
        }
    )


def update_configuration(call: Call) -> Reply:
    """Change the account's configuration."""
    call.store.account.update(call.form)
    return fetch_configuration(call)


def _reachability(call: Call) -> Shelf:
    return call.store.shelf("reachability", "", service_sid=call.names["service"])


def fetch_service_configuration(call: Call) -> Reply:
    """Return the configuration of a service."""
    service_sid = call.names["service"]
    url = f"{call.origin}/v1/Services/{service_sid}/Configuration"
    shown: dict[str, Any] = {"chat_service_sid": service_sid, **call.store.roles.defaults(service_sid)}
    return ok(
        shown
        | {
            "reachability_enabled": _reachability(call).setting().get("reachability_enabled", False),
            "url": url,
            "links": {"notifications": f"{url}/Notifications", "webhooks": f"{url}/Webhooks"},
        }
    )


def update_service_configuration(call: Call) -> Reply:
    """Change the configuration of a service."""
    sids = {field: read.sid(call.form, name, "RL") for name, field in _ROLES.items()}
    enabled = read.flag(call.form, "ReachabilityEnabled")
    with call.store.transaction():
        call.store.roles.set_defaults(
            call.names["service"], {field: sid for field, sid in sids.items() if sid is not None}
        )
        if enabled is not None:
            _reachability(call).set({"reachability_enabled": enabled})
    return fetch_service_configuration(call)
