"""Plans and outcomes as JSON documents: Terraform's plan representation with our fields beside it.

The text is ASCII, so that nothing in it can act on a terminal, and parses back to the very values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET

from reconciler.model import Desired, ResourceType, type_of
from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Counts, Plan, PlanWarning
from reconciler.report import disclosure as values
from reconciler.report import summary
from reconciler.report.disclosure import Bodies
from reconciler.report.documents import (
    PROVIDER,
    TERRAFORM_VERSION,
    ActionResult,
    Actions,
    Change,
    OutcomeDocument,
    PlanDocument,
    ResourceChange,
    ResultError,
    Summary,
    Warned,
)
from reconciler.report.planned_values import known_after, planned_resources

FORMAT_VERSION: Final = "1.2"
"""The version of Terraform's plan representation, which its readers check."""

_ACTIONS: Final[dict[Verb, Actions]] = {
    Verb.CREATE: ["create"],
    Verb.UPDATE: ["update"],
    Verb.REPLACE: ["create", "delete"],
    Verb.DELETE: ["delete"],
    Verb.ADOPT: ["no-op"],
    Verb.MOVE: ["no-op"],
    Verb.FORGET: ["forget"],
    Verb.NO_OP: ["no-op"],
}

_UNKNOWN: Final[dict[ResourceType, dict[str, bool]]] = {
    ResourceType.SERVICE: {"sid": True},
    ResourceType.CONVERSATION: {"sid": True},
    ResourceType.PARTICIPANT: {"sid": True},
    ResourceType.MESSAGE: {"sid": True, "index": True},
}
"""Fields that Twilio chooses, so that they are known only after apply."""


def plan_document(
    plan: Plan,
    *,
    timestamp: str,
    version: str,
    desired: Desired | None = None,
    bodies: Bodies = Bodies.FULL,
    hash_key: str = "",
) -> PlanDocument:
    """Return *plan* as Terraform's plan representation.

    Equal plans give documents that differ only in *timestamp*. Plain no-ops are counted, and not among the
    changes; the planned values have them if *desired* is given, which declares them.
    """
    resources = list(planned_resources(plan, desired, bodies, hash_key))
    document: PlanDocument = {
        "format_version": FORMAT_VERSION,
        "terraform_version": TERRAFORM_VERSION,
        "reconciler_version": version,
        "timestamp": timestamp,
        "applyable": plan.applyable,
        "complete": plan.selection is None,
        "errored": False,
        "state": {"lineage": plan.lineage, "serial": plan.serial},
        "manifest_digest": plan.manifest_digest,
        "summary": _summary(plan.counts),
        "parents": [
            {
                "address": parent.address,
                "type": type_of(parent.address),
                "sid": parent.sid,
                "found": parent.found,
            }
            for parent in plan.parents
        ],
        "resource_changes": [
            _resource_change(action, bodies, hash_key)
            for action in plan.actions
            if action.verb is not Verb.NO_OP
        ],
        "planned_values": {"root_module": {"resources": resources} if resources else {}},
        "unchanged_listed": desired is not None and plan.selection is None,
        "configuration": {"root_module": {}},
        "settlements": [{"address": intent.address, "sid": sid} for intent, sid in plan.settlements],
        "warnings": warned(plan.warnings),
        "refusals": [
            {"code": refusal.code, "text": refusal.text, "hint": refusal.hint} for refusal in plan.refusals
        ],
        "requests": {"read": plan.requests_read},
    }
    if plan.drift is not None:
        drifted = plan.drift.objects
        document["resource_drift"] = [_resource_change(item, bodies, hash_key) for item in drifted]
        document["summary"]["drift"] = len(drifted)
        if plan.drift.pending is not None:
            document["summary"]["pending"] = plan.drift.pending
    return document


def outcome_document(outcome: Outcome) -> OutcomeDocument:
    """Return the outcome of an apply; its summary counts actions that are done, and those that are not."""
    done, rest = summary.done(outcome), summary.not_done(outcome)
    return {
        "format_version": FORMAT_VERSION,
        "summary": {
            "import": done.imported,
            "add": done.add,
            "change": done.change,
            "destroy": done.destroy,
            "move": done.move,
            "forget": done.forget,
            "failed": rest.get(Status.FAILED, 0),
            "unknown": rest.get(Status.UNKNOWN, 0),
            "not_reached": rest.get(Status.NOT_REACHED, 0),
        },
        "results": [_action_result(result) for result in outcome.results],
        "warnings": warned(outcome.warnings),
        "requests": {"read": outcome.read, "write": outcome.write, "retried": outcome.retried},
    }


def encode(document: Mapping[str, Any], *, indent: int | None = None) -> bytes:
    """Return *document* as ASCII JSON that no terminal and no CI runner acts on.

    Without an *indent* it is one line. Only strings contain escapes, so a parser gets the values unchanged.
    """
    text = json.dumps(document, indent=indent, separators=(",", ":" if indent is None else ": "))
    # `##[…]` is a command of CI runners wherever it stands in a line; json.dumps leaves DEL alone.
    return text.replace("##", "#\\u0023").replace("\x7f", "\\u007f").encode("ascii") + b"\n"


def warned(warnings: tuple[PlanWarning, ...]) -> list[Warned]:
    """Return warnings as JSON."""
    return [{"code": item.code, "address": item.address, "text": item.text} for item in warnings]


def _summary(counts: Counts) -> Summary:
    return {
        "import": counts.imported,
        "add": counts.add,
        "change": counts.change,
        "destroy": counts.destroy,
        "move": counts.move,
        "forget": counts.forget,
        "no_op": counts.no_op,
    }


def _actions(action: Action) -> Actions:
    """Return Terraform's words for *action*, in the order in which its requests are sent."""
    if action.verb is Verb.ADOPT and action.send:
        return ["update"]
    if action.verb is Verb.REPLACE and (action.with_parent or action.type is ResourceType.CONVERSATION):
        return ["delete", "create"]  # the old conversation goes first, as two cannot have one name
    return _ACTIONS[action.verb]


def _resource_change(action: Action, bodies: Bodies, salt: str) -> ResourceChange:
    makes_new = action.verb in {Verb.CREATE, Verb.REPLACE}
    leaves = action.verb in {Verb.DELETE, Verb.FORGET}
    after = known_after(action)
    unknown = action.after.keys() - after.keys()
    change: Change = {
        "actions": _actions(action),
        "before": None
        if action.verb is Verb.CREATE
        else dict(values.fields(action, action.before, bodies, salt)),
        "after": None if leaves else dict(values.fields(action, after, bodies, salt)),
        "after_unknown": (_UNKNOWN[action.type] if makes_new else {}) | dict.fromkeys(sorted(unknown), True),
        "replace_paths": [[name] for name in action.replace_paths],
    }
    if action.sensitive:
        if change["before"] is not None:
            change["before_sensitive"] = _hidden(action, change["before"])
        if change["after"] is not None:
            change["after_sensitive"] = _hidden(action, change["after"])
    if (action.verb is Verb.ADOPT or action.importing) and action.sid is not None:
        change["importing"] = {"id": action.sid}
    result: ResourceChange = {
        "address": action.address,
        "mode": "managed",
        "type": action.type,
        "name": action.address.rpartition("/")[2],
        "provider_name": PROVIDER,
        "sid": action.sid,
        "change": change,
        "action_reason": action.reason,
        "fields": [
            {"path": list(change.path), "before": _or_null(change.before), "after": _or_null(change.after)}
            for change in values.changes(action, bodies, salt)
        ],
    }
    if action.previous_address is not None:
        result["previous_address"] = action.previous_address
    return result


def _hidden(action: Action, shown: Mapping[str, Any]) -> dict[str, bool]:
    return {name: True for name in action.sensitive if name in shown}


def _or_null(value: object) -> object:
    return None if value is UNSET else value


def _action_result(result: Result) -> ActionResult:
    failed = result.status in {Status.FAILED, Status.UNKNOWN} or bool(result.text)
    error: ResultError = {"kind": result.kind, "code": result.code, "text": result.text}
    return {
        "address": result.address,
        "action": result.verb,
        "status": result.status.value,
        "sid": result.sid,
        "error": error if failed else None,
    }
