"""Open creates whose outcome cannot be settled: they hold back their own conversation only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconciler.model import Address, ResourceType, parent_of, type_of
from reconciler.plans.plan import Plan, PlanWarning, Refusal

_CODE = "unknown_outcome"


def hold_back(plan: Plan, unknown: Mapping[Address, str], *, destroy: bool) -> Plan:
    """Return *plan*, refused if it changes a parent with a create in *unknown* (address -> why).

    A plan that changes nothing there, and a *destroy*, only get a warning: neither creates anything there.
    """
    refusals, warnings = [], []
    for address, why in unknown.items():
        place = _place(address)
        text = f"whether `{address}` was created cannot be told: {why}"
        hint = (
            f"look at `{place}`; if it is there, run `reconciler import {address} SID`, "
            f"if it is not, `reconciler state rm {address}`"
        )
        touched = any(f"{action.address}/".startswith(f"{place}/") for action in plan.actions)
        if touched and not destroy:
            refusals.append(Refusal(_CODE, text, f"{hint}; or go on elsewhere with `--exclude {place}`"))
        else:
            warnings.append(PlanWarning(_CODE, address, f"{text}; {hint}"))
    return msgspec.structs.replace(
        plan, refusals=(*refusals, *plan.refusals), warnings=(*plan.warnings, *warnings)
    )


def _place(address: Address) -> Address:
    """Return the service or conversation that an open create holds back: the created one, or its parent."""
    is_parent = type_of(address) in {ResourceType.SERVICE, ResourceType.CONVERSATION}
    return address if is_parent else parent_of(address)
