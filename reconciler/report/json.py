"""Plans as JSON documents: Terraform's plan representation with our fields beside it.

The text is ASCII, so that nothing in it can act on a terminal, and parses back to the very values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from reconciler.model import Desired, ResourceType, type_of
from reconciler.plans.actions import Action, Verb
from reconciler.plans.halves import halves
from reconciler.plans.plan import Counts, Plan, PlanWarning
from reconciler.report import disclosure as values
from reconciler.report.disclosure import Bodies
from reconciler.report.planned_values import (
    UnchangedMessage,
    encodable_resources,
    known_after,
    planned_resources,
)
from reconciler.report.terraform import FORMAT_VERSION, PROVIDER, TERRAFORM_VERSION

if TYPE_CHECKING:
    from reconciler.report.documents import (
        Actions,
        ActionWord,
        Change,
        PlanDocument,
        ResourceChange,
        Summary,
        Warned,
    )

_BATCH: Final = 500
"""Resources that are encoded together."""

_ACTIONS: Final[dict[Verb, ActionWord]] = {
    Verb.CREATE: "create",
    Verb.UPDATE: "update",
    Verb.DELETE: "delete",
    Verb.ADOPT: "no-op",
    Verb.MOVE: "no-op",
    Verb.FORGET: "forget",
    Verb.NO_OP: "no-op",
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
    document = _without_resources(
        plan, timestamp=timestamp, version=version, desired=desired, bodies=bodies, hash_key=hash_key
    )
    if resources := list(planned_resources(plan, desired, bodies, hash_key)):
        document["planned_values"]["root_module"]["resources"] = resources
    return document


def encoded_plan(
    plan: Plan,
    *,
    timestamp: str,
    version: str,
    desired: Desired | None = None,
    bodies: Bodies = Bodies.FULL,
    hash_key: str = "",
) -> Iterator[bytes]:
    """Yield the bytes of the encoded `plan_document`, piece by piece: it is never in memory whole."""
    document = _without_resources(
        plan, timestamp=timestamp, version=version, desired=desired, bodies=bodies, hash_key=hash_key
    )
    resources = encodable_resources(plan, desired, bodies, hash_key)
    text, separator = b"", b"{"
    for name, value in document.items():
        text += b"%b%b:" % (separator, _dumps(name))
        separator = b","
        if name == "planned_values" and (batch := list(islice(resources, _BATCH))):
            text += b'{"root_module":{"resources":['
            while batch:
                yield text + _dumps(batch)[1:-1]
                text, batch = b",", list(islice(resources, _BATCH))
            text = b"]}}"
        else:
            text += _dumps(value)
    yield text + b"}\n"


def _without_resources(
    plan: Plan, *, timestamp: str, version: str, desired: Desired | None, bodies: Bodies, hash_key: str
) -> PlanDocument:
    """Return the document of *plan* without the resources in its planned values."""
    document: PlanDocument = {
        "format_version": FORMAT_VERSION,
        "terraform_version": TERRAFORM_VERSION,
        "reconciler_version": version,
        "timestamp": timestamp,
        "applyable": plan.applyable,
        "complete": plan.selection is None and not plan.part,
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
        "planned_values": {"root_module": {}},
        "unchanged_listed": desired is not None and plan.selection is None,
        "configuration": {"root_module": {}},
        "settlements": [{"address": intent.address, "sid": sid} for intent, sid in plan.settlements],
        "warnings": warned(plan.warnings),
        "refusals": [
            {"code": refusal.code, "text": refusal.text, "hint": refusal.hint} for refusal in plan.refusals
        ],
        "requests": {"read": plan.requests_read},
    }
    if plan.refusals:
        from reconciler.report.diagnostics import of_refusal  # noqa: PLC0415 - few plans have any

        document["diagnostics"] = [of_refusal(refusal) for refusal in plan.refusals]
    if plan.drift is not None:
        drifted = plan.drift.objects
        document["resource_drift"] = [_resource_change(item, bodies, hash_key) for item in drifted]
        document["summary"]["drift"] = len(drifted)
        if plan.drift.pending is not None:
            document["summary"]["pending"] = plan.drift.pending
    return document


def encode(document: Mapping[str, Any], *, indent: int | None = None) -> bytes:
    """Return *document* as ASCII JSON that no terminal and no CI runner acts on.

    Without an *indent* it is one line. Only strings contain escapes, so a parser gets the values unchanged.
    """
    return _dumps(document, indent=indent) + b"\n"


def _dumps(value: object, indent: int | None = None) -> bytes:
    if indent is None:
        with suppress(ValueError, OverflowError):  # half a surrogate pair, a large integer
            data = msgspec.json.encode(value)
            if data.isascii():  # the same values, at a sixth of the time
                return _inert(data)
    separators = (",", ":" if indent is None else ": ")
    text = json.dumps(value, indent=indent, separators=separators, default=UnchangedMessage.resource)
    return _inert(text.encode("ascii"))


def _inert(data: bytes) -> bytes:
    # `##[…]` is a command of CI runners wherever it stands in a line; json.dumps leaves DEL alone.
    if b"#" in data:  # one character is found much faster than two
        data = data.replace(b"##", b"#\\u0023")
    if b"\x7f" in data:
        data = data.replace(b"\x7f", b"\\u007f")
    return data


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
    return [_ACTIONS[step] for step in halves(action)]


def _resource_change(action: Action, bodies: Bodies, salt: str) -> ResourceChange:
    makes_new = action.verb in {Verb.CREATE, Verb.REPLACE}
    leaves = action.verb in {Verb.DELETE, Verb.FORGET}
    after = known_after(action)
    unknown = action.after.keys() - after.keys()
    change: Change = {
        "actions": _actions(action),
        "before": None if action.verb is Verb.CREATE else values.fields(action, action.before, bodies, salt),
        "after": None if leaves else values.fields(action, after, bodies, salt),
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
