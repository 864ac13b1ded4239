"""Creates of which nobody can tell whether they happened: they hold back their own conversation only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconciler.model import Address, ResourceType, parent_of, type_of
from reconciler.plans.plan import Plan, PlanWarning, Refusal

_CODE = "unknown_outcome"


def hold_back(plan: Plan, unknown: Mapping[Address, str], *, destroy: bool) -> Plan:
    """Return *plan* refused where it changes a place in which a create is *unknown* (address -> why).

    What a plan does elsewhere, and a *destroy*, only gets a warning: neither creates anything there.
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
    """Return the parent that an open create holds back: itself, or that which it is to be in."""
    is_parent = type_of(address) in {ResourceType.SERVICE, ResourceType.CONVERSATION}
    return address if is_parent else parent_of(address)
