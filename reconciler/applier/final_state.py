"""The fields of a conversation that are sent last: the state `inactive` or `closed`.

A new message makes an inactive conversation active again, and a closed one accepts no messages (Twilio's
reference). So such a state waits until everything else in the conversation is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.plans.actions import Action

_ACTIVE: Final = "active"


def has_final_state(action: Action) -> bool:
    """Return whether *action* gives its conversation a state that must wait for everything else in it."""
    return action.send.get("state", _ACTIVE) != _ACTIVE


def sent_first(action: Action) -> dict[str, str]:
    """Return the fields that *action* sends before everything else in the conversation is done."""
    return {name: action.send[name] for name in _first(action, action.send)}


def managed_first(action: Action) -> list[str]:
    """Return the managed fields that *action* sets before everything else in the conversation is done."""
    return _first(action, action.managed)


def _first(action: Action, names: Iterable[str]) -> list[str]:
    has_last = has_final_state(action)
    return [name for name in names if not (has_last and name == "state")]
