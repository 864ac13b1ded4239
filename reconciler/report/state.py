"""A state as a JSON document: Terraform's representation of states, with what ours holds beside it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from reconciler.model import Address
from reconciler.report.resource import resource
from reconciler.report.terraform import STATE_VERSION, TERRAFORM_VERSION
from reconciler.state.model import State
from reconciler.state.remembered import Binding

_VALUES: Final = ("sid", "service_sid", "conversation_sid", "index")
"""The fields of a binding that are values of the object itself."""


def state_document(state: State, *, version: str) -> dict[str, Any]:
    """Return *state* as Terraform's representation: parents before what is in them, each with its sids.

    It has no texts, as the state has none. *version* is ours.
    """
    resources = [_resource(address, binding) for address, binding in sorted(state.bindings.items())]
    return {
        "format_version": STATE_VERSION,
        "terraform_version": TERRAFORM_VERSION,
        "reconciler_version": version,
        "lineage": state.lineage,
        "serial": state.serial,
        "account_sid": state.account_sid,
        "origin": state.origin,
        "environment": state.environment,
        "values": {"root_module": {"resources": resources} if resources else {}},
        "intents": list(state.intents),
    }


def _resource(address: Address, binding: Binding) -> dict[str, Any]:
    """Return *binding* as a resource; what is only remembered of it stands beside its values."""
    fields: dict[str, Any] = msgspec.to_builtins(binding)
    values: dict[str, Any] = {name: fields.pop(name) for name in _VALUES if name in fields}
    return {**resource(address, values), **fields}
