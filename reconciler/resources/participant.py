"""Participants: their fields, what a reply shows of them, and what identifies them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.model import (
    Participant,
    RemoteParticipant,
)
from reconciler.model.canonical import canonical_attributes
from reconciler.resources.schema import ResourceSchema

PARTICIPANT: Final = ResourceSchema(
    unseen=frozenset(),
    immutable=frozenset({"identity", "address", "proxy_address", "projected_address"}),
    defaults={"attributes": "{}"},
)


_FIELDS: Final = ("identity", "address", "proxy_address", "projected_address", "role_sid", "attributes")


def participant_values(desired: Participant) -> dict[str, str]:
    """Return the fields that a participant declares."""
    return {name: value for name in _FIELDS if (value := getattr(desired, name)) is not None}


def live_participant_values(live: RemoteParticipant) -> dict[str, str]:
    """Return the canonical texts of what a reply shows of a participant."""
    binding = live.messaging_binding or {}
    values = {
        "identity": live.identity,
        "address": binding.get("address"),
        "proxy_address": binding.get("proxy_address"),
        "projected_address": binding.get("projected_address"),
        "role_sid": live.role_sid,
        "attributes": canonical_attributes(live.attributes or "{}"),
    }
    return {name: value for name, value in values.items() if value}


def natural_key(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the natural key, which no two participants of a conversation share."""
    if "identity" in values:
        return (values["identity"],)
    if "address" not in values:  # the business number of group texting
        return ("", values.get("projected_address", ""))
    return (values["address"], values.get("proxy_address", ""))
