"""Refuse to post our own credentials: everybody who reads the conversation could use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import PlanError
from reconciler.twilio.endpoint import Endpoint

if TYPE_CHECKING:
    from reconciler.emulator import Emulator
    from reconciler.plans.plan import Plan


def refuse_own_credentials(plan: Plan, endpoint: Endpoint | Emulator) -> None:
    """Raise PlanError if a text in *plan* holds the secret of the requests to *endpoint*.

    Replies are masked, so that the message could not be recognised afterwards either.
    """
    if not plan.actions or not isinstance(endpoint, Endpoint) or endpoint.credentials is None:
        return
    from reconciler.twilio.masking import mask_of_pair  # noqa: PLC0415  # few plans have actions

    mask = mask_of_pair(endpoint.credentials.username, endpoint.credentials.secret)
    for action in plan.actions:
        for name, text in action.send.items():
            if mask.text(text) != text:
                raise PlanError(
                    f"`{action.address}` would send the secret that this command logs in with (in `{name}`)",
                    hint="take it out of the manifest, and make a new one: it may have been seen there",
                )
