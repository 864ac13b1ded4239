"""Refuse to post our own credentials: everybody who reads the conversation could use them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.errors import PlanError
from reconciler.twilio.endpoint import Endpoint

if TYPE_CHECKING:
    from reconciler.emulator import Emulator
    from reconciler.plans.actions import Action


def refuse_own_credentials(actions: Iterable[Action], endpoint: Endpoint | Emulator) -> None:
    """Raise PlanError if a text in *actions* holds the secret of the requests to *endpoint*.

    Replies are masked, so that the message could not be recognised afterwards either.
    """
    if not isinstance(endpoint, Endpoint) or endpoint.credentials is None:
        return
    mask = None
    for action in actions:
        if mask is None:
            from reconciler.twilio.masking import mask_of_pair  # noqa: PLC0415  # few plans have actions

            mask = mask_of_pair(endpoint.credentials.username, endpoint.credentials.secret)
        name = mask.found_in(action.send)
        if name is not None:
            raise PlanError(
                f"`{action.address}` would send the secret that this command logs in with (in `{name}`)",
                hint="take it out of the manifest, and make a new one: it may have been seen there",
            )
