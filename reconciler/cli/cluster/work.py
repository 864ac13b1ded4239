"""Plan, and apply a plan, in parts on a Dask cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from reconciler.cli.cluster.arguments import arguments_for
from reconciler.cli.cluster.follow import Cluster, failure_of
from reconciler.cli.cluster.order import Reply
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.plan_files import encoded, saved_in
from reconciler.cli.streams import complain
from reconciler.errors import SIGNALLED
from reconciler.model import Address, conversation_of
from reconciler.model.shard import Shard
from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import PlanWarning
from reconciler.plans.planfile import SavedPart, SavedPlan

_APPLIED: Final = "this plan was applied already"
"""What a worker says of a part that was done by a task that was lost with its result."""


def plan_on(cluster: Cluster, context: click.Context, paths: tuple[Path, ...], *, destroy: bool) -> SavedPlan:
    """Return the plan of the command of *context*, made by all workers and judged as a whole.

    Raises ReconcilerError, with the worker, for a part that could not be planned, and PlanError for parts
    that are not of one plan.
    """
    from reconciler.operations.plan_parts import merge_parts  # noqa: PLC0415

    given = arguments_for("plan", context)
    if destroy and "--destroy" not in given:
        given = (*given, "--destroy")
    orders = {
        shard: cluster.order((*given, f"--shard={shard}"), _absolute(paths)) for shard in cluster.shards()
    }
    parts: dict[str, SavedPart] = {}
    for shard, reply in sorted(cluster.run(orders, "was planned").items(), key=lambda item: item[0].index):
        if not reply.result:
            raise failure_of(shard, reply)
        saved = saved_in(reply.result, f"part {shard}", keys_in_force())
        if isinstance(saved, SavedPart):
            parts[f"part {shard} of {reply.worker}"] = saved
    return merge_parts(parts)


def apply_on(cluster: Cluster, context: click.Context, saved: SavedPlan, paths: tuple[Path, ...]) -> Outcome:
    """Apply a plan in parts, and return the outcome of all of them; *paths* are its manifests, if needed.

    Its sensitive values were withheld, as it comes from a file or from parts.
    """
    given = (*arguments_for("apply", context), "--auto-approve")
    data, _ = encoded(saved, keys_in_force(), is_withheld=True)
    orders = {
        shard: cluster.order((*given, f"--shard={shard}"), _absolute(paths), data)
        for shard in cluster.shards()
    }
    return joined(saved.plan.actions, cluster.run(orders, "was applied"))


def _absolute(paths: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(str(path.resolve()) for path in paths)


def joined(actions: tuple[Action, ...], replies: Mapping[Shard, Reply]) -> Outcome:
    """Return the outcome of a plan of these *actions*, in their order.

    What no part reports is done: a task that was run again goes on where the first one ended. It is not
    reached if its part has no outcome at all.
    """
    told: dict[Address, list[Result]] = defaultdict(list)
    warnings: list[PlanWarning] = []
    spent = dict.fromkeys(("read", "write", "retried"), 0)
    lost: list[Shard] = []
    for shard, reply in replies.items():
        if reply.result:
            document: dict[str, Any] = msgspec.json.decode(reply.result)
            for one in document["results"]:
                told[one["address"]].append(_result(one))
            warnings += [
                PlanWarning(one["code"], one["address"], one["text"]) for one in document["warnings"]
            ]
            spent = {name: count + document["requests"][name] for name, count in spent.items()}
        elif _APPLIED not in reply.told:
            lost.append(shard)
            complain(failure_of(shard, reply))
    return Outcome(
        results=tuple(_outcome_of(action, told[action.address], lost) for action in actions),
        warnings=tuple(dict.fromkeys(warnings)),
        interrupted=any(reply.code > SIGNALLED for reply in replies.values()),
        **spent,
    )


def _outcome_of(action: Action, told: list[Result], lost: list[Shard]) -> Result:
    """Return what became of *action*; each part tells of a service, and one of them did it."""
    alike = [one for one in told if one.verb is action.verb] or told
    if alike:
        found = min(alike, key=lambda one: one.status is not Status.DONE)
        if "/" in action.address:  # an address may have several actions
            told.remove(found)
        return msgspec.structs.replace(found, verb=action.verb, importing=action.importing)
    is_lost = any("/" not in action.address or one.has(conversation_of(action.address)) for one in lost)
    status = Status.NOT_REACHED if is_lost else Status.DONE
    return Result(action.address, action.verb, status, action.sid, importing=action.importing)


def _result(told: Mapping[str, Any]) -> Result:
    """Return the result in an outcome as JSON."""
    error = told["error"] or {}
    return Result(
        told["address"],
        Verb(told["action"]),
        Status(told["status"]),
        told["sid"],
        kind=error.get("kind", ""),
        code=error.get("code"),
        text=error.get("text", ""),
    )
