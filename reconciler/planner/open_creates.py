"""Open creates whose outcome cannot be settled: they hold back their own conversation only."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct

from reconciler.model import Address, conversation_of
from reconciler.plans.actions import Action
from reconciler.plans.plan import Plan, PlanWarning, Refusal

_CODE = "unknown_outcome"


class Unknown(Struct, frozen=True):
    """What creates of unknown outcome mean for a plan."""

    refusals: tuple[Refusal, ...]
    warnings: tuple[PlanWarning, ...]


def judge_unknown(actions: Collection[Action], unknown: Mapping[Address, str], *, destroy: bool) -> Unknown:
    """Return why *actions* must wait for the creates in *unknown* (address -> why), by address.

    Actions that change nothing there, and a *destroy*, only get a warning: neither creates anything there.
    """
    refusals, warnings = [], []
    for address, why in sorted(unknown.items()):
        place = conversation_of(address)
        text = f"whether `{address}` was created cannot be told: {why}"
        hint = (
            f"look at `{place}`; if it is there, run `reconciler import {address} SID`, "
            f"if it is not, `reconciler state rm {address}`"
        )
        touched = any(f"{action.address}/".startswith(f"{place}/") for action in actions)
        if touched and not destroy:
            refusals.append(Refusal(_CODE, text, f"{hint}; or go on elsewhere with `--exclude {place}`"))
        else:
            warnings.append(PlanWarning(_CODE, address, f"{text}; {hint}"))
    return Unknown(tuple(refusals), tuple(warnings))


def hold_back(plan: Plan, unknown: Mapping[Address, str], *, destroy: bool) -> Plan:
    """Return *plan*, refused if it changes a parent with a create in *unknown*, as `judge_unknown` says."""
    judged = judge_unknown(plan.actions, unknown, destroy=destroy)
    return msgspec.structs.replace(
        plan, refusals=(*judged.refusals, *plan.refusals), warnings=(*plan.warnings, *judged.warnings)
    )
