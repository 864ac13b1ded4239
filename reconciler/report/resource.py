"""One managed object as Terraform's representations have it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from reconciler.model import Address, type_of
from reconciler.report.terraform import PROVIDER

if TYPE_CHECKING:
    from reconciler.report.documents import PlannedResource


def resource(address: Address, values: dict[str, Any], sensitive: Collection[str] = ()) -> PlannedResource:
    """Return the resource at *address* with these *values*, of which the *sensitive* ones are hidden."""
    return {
        "address": address,
        "mode": "managed",
        "type": type_of(address),
        "name": address.rpartition("/")[2],
        "provider_name": PROVIDER,
        "schema_version": 0,
        "values": values,
        "sensitive_values": {name: True for name in sensitive if name in values} if sensitive else {},
    }
