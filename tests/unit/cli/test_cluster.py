"""`--dask`, without a cluster: addresses, what a worker is told, and outcomes that are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from reconciler.cli.cluster.address import check
from reconciler.cli.cluster.arguments import arguments_for
from reconciler.cli.cluster.follow import failure_of
from reconciler.cli.cluster.order import Reply
from reconciler.cli.cluster.work import joined
from reconciler.cli.commands.plan import plan
from reconciler.errors import UsageError
from reconciler.model.shard import Shard
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.report.json import encode
from reconciler.report.json_outcome import outcome_document


@pytest.mark.parametrize(
    "address", ["local", "tcp://127.0.0.1:8786", "tcp://[::1]:1", "tcp://localhost:1", "tls://far:1"]
)
def test_a_cluster_of_this_machine_or_behind_tls_is_used(address: str) -> None:
    """Nobody else reads the texts of messages on their way."""
    check(address, None)


@pytest.mark.parametrize("address", ["tcp://10.0.0.7:8786", "tcp://127.0.0.1.example.com:1"])
def test_others_must_be_allowed_by_name(address: str) -> None:
    """Whoever reaches a scheduler runs code there."""
    with pytest.raises(UsageError, match="unencrypted") as error:
        check(address, None)

    host = address[6:].rpartition(":")[0]
    assert error.value.hint is not None
    assert f"--allow-insecure-endpoint {host}" in error.value.hint
    check(address, host)


@pytest.mark.parametrize(
    "address", ["", "8786", "http://127.0.0.1:1", "tcp://127.0.0.1", "tcp://a:b", "inproc://x"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """The error says how one is written."""
    with pytest.raises(UsageError, match="is no address of a Dask scheduler"):
        check(address, None)


def given(*arguments: str, **environ: str) -> list[str]:
    """Return what a worker is told to plan."""
    told: list[str] = []

    def callback(**_: Any) -> None:
        told.extend(arguments_for("plan", click.get_current_context()))

    command = click.Command("plan", params=plan.params, callback=callback)
    runner = CliRunner().invoke(
        command, [*arguments], env=environ, catch_exceptions=False, standalone_mode=False
    )
    assert runner.exit_code == 0
    return told


def test_a_worker_is_told_what_was_given() -> None:
    """On the command line, or by a variable; not what is the client's alone, and no defaults."""
    assert given(
        "manifests", "--target", "a/*", "--target", "b", "--adopt=true", "--max-delete", "5", "--reset",
        "--var-file", "v.yaml", "--out", "plan.bin", "--format", "json", "--dask", "local",
        RECONCILER_PARALLELISM="7",
    ) == [
        "plan", f"--var-file={Path('v.yaml').resolve()}", "--parallelism=7", "--target=a/*", "--target=b",
        "--adopt", "--reset", "--max-delete=5",
    ]  # fmt: skip


def test_a_password_is_not_told() -> None:
    """A worker has the address of such a state in its environment; on the command line it is refused."""
    secret = "postgresql://me:sesame@db.example.com/x"

    assert given("--dask", "local", RECONCILER_STATE=secret) == ["plan"]
    with pytest.raises(UsageError, match="tasks carry no credentials"):
        given("--dask", "local", "--state", secret)


def test_a_part_that_failed_names_its_worker() -> None:
    """With what the worker said, and what it advised."""
    reply = Reply("tcp://10.0.0.7:1", 1, "x\nerror: no credentials\nhint: set them\nError: no credentials\n")

    error = failure_of(Shard(2, 4), reply)

    assert error.text == "part 2/4 ended with exit code 1 on the worker tcp://10.0.0.7:1: no credentials"
    assert error.hint == "set them"


def action(address: str, verb: Verb = Verb.CREATE) -> Action:
    """Return an action."""
    return Action(address, verb, Reason.NOT_IN_STATE)


def reply(*results: Result, code: int = 0, told: str = "") -> Reply:
    """Return the reply of a part with these results."""
    outcome = Outcome(results, read=1, write=2, retried=3)
    return Reply("w", code, told, encode(outcome_document(outcome)) if results else b"")


def test_outcomes_are_joined_in_the_order_of_the_plan() -> None:
    """Every action has one result; each part tells of services, and one of them made it."""
    actions = (action("desk"), action("desk/a"), action("desk/a/x"), action("desk/b"))
    first = reply(
        Result("desk/b", Verb.CREATE, Status.DONE, "CHb"), Result("desk", Verb.CREATE, Status.NOT_REACHED)
    )
    second = reply(
        Result("desk", Verb.CREATE, Status.DONE, "IS1"),
        Result("desk/a", Verb.CREATE, Status.DONE, "CHa"),
        Result("desk/a/x", Verb.CREATE, Status.FAILED, kind="remote", code=20001, text="no"),
        code=1,
    )

    made = joined(actions, {Shard(1, 2): first, Shard(2, 2): second})

    assert [(one.address, one.status, one.sid) for one in made.results] == [
        ("desk", Status.DONE, "IS1"),
        ("desk/a", Status.DONE, "CHa"),
        ("desk/a/x", Status.FAILED, None),
        ("desk/b", Status.DONE, "CHb"),
    ]
    assert made.results[2] == Result(
        "desk/a/x", Verb.CREATE, Status.FAILED, kind="remote", code=20001, text="no"
    )
    assert (made.read, made.write, made.retried, made.interrupted) == (2, 4, 6, False)


def test_what_a_task_that_was_run_again_does_not_tell_is_done() -> None:
    """It goes on where the first one ended, or finds that all was applied already."""
    actions = (action("desk/a"), action("desk/a/x", Verb.REPLACE), action("desk/b"))
    again = reply(Result("desk/a/x", Verb.DELETE, Status.DONE, "IM1"))
    applied = reply(code=1, told="error: this plan was applied already\n")

    made = joined(actions, {Shard(1, 2): again, Shard(2, 2): applied})

    assert {one.status for one in made.results} == {Status.DONE}
    assert [one.verb for one in made.results] == [Verb.CREATE, Verb.REPLACE, Verb.CREATE]


def test_the_actions_of_a_part_that_failed_are_not_reached() -> None:
    """And those of the others are as they were told."""
    shards = [Shard(1, 2), Shard(2, 2)]
    places = [next(f"desk/{n}" for n in range(99) if shard.has(f"desk/{n}")) for shard in shards]
    done = reply(Result(places[0], Verb.CREATE, Status.DONE, "CH1"))

    made = joined(tuple(map(action, places)), {shards[0]: done, shards[1]: reply(code=130)})

    assert [one.status for one in made.results] == [Status.DONE, Status.NOT_REACHED]
    assert made.interrupted


def test_replies_are_json() -> None:
    """Bytes of a result, whatever they are, are text in it."""
    made = Reply("w", 0, "told", b"\x00\xff")

    data = msgspec.json.encode(made)

    assert data.isascii()
    assert msgspec.json.decode(data, type=Reply) == made
