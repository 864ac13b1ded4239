"""The roles of a service, whose rules are in the store."""

from __future__ import annotations

from typing import Any

from reconciler.emulator.call import Call
from reconciler.emulator.decisions import MAX_PAGE_SMALL
from reconciler.emulator.replies import GONE, created, joined, ok
from reconciler.emulator.resources import Resource
from reconciler.emulator.wire import Home, Reply


def _show(home: Home, role: Resource) -> dict[str, Any]:
    return {
        "sid": role.sid,
        "account_sid": home.account_sid,
        "chat_service_sid": home.service_sid,
        **role.values,
        "url": f"{home.url}/Roles/{role.sid}",
    }


def create_role(call: Call) -> Reply:
    """Create a role."""
    home = call.home
    return created(
        _show(home, call.store.roles.create(home.service_sid, call.form, call.values("Permission")))
    )


def list_roles(call: Call) -> Reply:
    """List roles."""
    home, place = call.home, call.cut(MAX_PAGE_SMALL)
    page = call.store.roles.page(home.service_sid, place.start, place.size)
    return call.page("roles", page, place, joined(lambda row: _show(home, Resource.of(row))))


def fetch_role(call: Call) -> Reply:
    """Return one role."""
    home = call.home
    return ok(_show(home, call.store.roles.get(home.service_sid, call.names["role"])))


def update_role(call: Call) -> Reply:
    """Replace the permissions of a role."""
    home = call.home
    role = call.store.roles.update(home.service_sid, call.names["role"], call.values("Permission"))
    return ok(_show(home, role))


def delete_role(call: Call) -> Reply:
    """Delete a role."""
    call.store.roles.delete(call.home.service_sid, call.names["role"])
    return GONE
