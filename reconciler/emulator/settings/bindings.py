"""The devices that chat clients register for push notifications: there are none, as no chat client runs."""

from __future__ import annotations

from reconciler.emulator.call import Call
from reconciler.emulator.database import Page
from reconciler.emulator.decisions import MAX_PAGE
from reconciler.emulator.errors import NotFound
from reconciler.emulator.replies import joined
from reconciler.emulator.wire import Reply


def list_bindings(call: Call) -> Reply:
    """List the bindings of a service."""
    call.store.services.get(call.names["service"])
    return call.page("bindings", Page([], more=False), call.cut(MAX_PAGE), joined(lambda _: {}))


def fetch_binding(call: Call) -> Reply:
    """Return one binding: there is none."""
    call.store.services.get(call.names["service"])
    raise NotFound


def delete_binding(call: Call) -> Reply:
    """Delete a binding: there is none."""
    return fetch_binding(call)
