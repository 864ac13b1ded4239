"""What a replacement does, in which order: its new object may have to wait until the old one is gone."""

from __future__ import annotations

from typing import Final

from reconciler.model import ResourceType
from reconciler.plans.actions import Action, Verb
from reconciler.resources.participant import natural_key

_NEW_FIRST: Final = (Verb.CREATE, Verb.DELETE)
_OLD_FIRST: Final = (Verb.DELETE, Verb.CREATE)


def halves(action: Action) -> tuple[Verb, ...]:
    """Return the steps of *action* in the order of their requests: two for a replacement, else its verb.

    The old one goes first where two cannot have one name: a conversation, what is in it, and a participant
    who keeps identity or addresses.
    """
    if action.verb is not Verb.REPLACE:
        return (action.verb,)
    if action.with_parent or action.type is ResourceType.CONVERSATION:
        return _OLD_FIRST
    keeps_key = action.type is ResourceType.PARTICIPANT and natural_key(action.before) == natural_key(
        action.send
    )
    return _OLD_FIRST if keeps_key else _NEW_FIRST
