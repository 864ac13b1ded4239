"""What a plan costs: requests, and messages that get new sids."""

from __future__ import annotations

from collections import Counter

from reconciler.plans.actions import POSTING, Action, Verb
from reconciler.plans.plan import Plan
from reconciler.text.words import counted

_REQUESTS = {Verb.CREATE: 1, Verb.UPDATE: 1, Verb.REPLACE: 2, Verb.DELETE: 1}


def price_line(plan: Plan) -> str:
    """Return how many requests an apply sends that change something; empty if it sends none."""
    total = sum(map(_requests, plan.actions))
    if not total:
        return ""
    verbs = Counter(action.verb for action in plan.actions)
    text = f"to apply this takes {counted(total, 'request')} that change something"
    if verbs[Verb.REPLACE]:
        what = counted(verbs[Verb.REPLACE], "object")
        text += f"; {what} {'gets a new sid' if verbs[Verb.REPLACE] == 1 else 'get new sids'}"
    return text


def _requests(action: Action) -> int:
    if action.with_parent:
        return 0
    upload = action.file is not None and action.verb in POSTING
    return _REQUESTS.get(action.verb, 0) + upload
