"""Submit orders to a Dask cluster, follow them, and stop them gently."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec

from reconciler.cli.cluster.address import LOCAL
from reconciler.cli.cluster.order import Order, Reply
from reconciler.cli.cluster.task import carry_out, stop
from reconciler.errors import Interrupted, ReconcilerError, UsageError
from reconciler.model.shard import GROUPS, Shard
from reconciler.text.inert import escape

if TYPE_CHECKING:
    from reconciler.runtime.interrupts import Interrupts


class Cluster:
    """A cluster that is connected."""

    def __init__(self, dask: Any, client: Any, interrupts: Interrupts) -> None:
        self._dask = dask  # the package, which has no types
        self._client = client
        self._interrupts = interrupts
        self._run = os.urandom(8).hex()
        self._is_stopping = False

    def shards(self) -> list[Shard]:
        """Return a part for each thread of the workers that are there."""
        count = min(max(1, sum(self._client.nthreads().values())), GROUPS)
        return [Shard(index, count) for index in range(1, count + 1)]

    def order(self, arguments: tuple[str, ...], paths: tuple[str, ...], plan: bytes = b"") -> Order:
        """Return an order to run the command in this folder."""
        return Order(arguments, os.getcwd(), self._run, plan, paths)  # noqa: PTH109

    def run(self, orders: Mapping[Shard, Order], verb: str) -> dict[Shard, Reply]:
        """Carry out *orders*, and tell of each that ends; *verb* says what became of it.

        A part whose worker is lost goes to another, as the scheduler decides.
        A first signal asks all to stop, and their replies are awaited. Raises Interrupted at a second.
        """
        futures: dict[Any, Shard] = {}
        for shard, order in orders.items():
            key = f"reconciler-{self._run}-{verb}-{shard.index}-of-{shard.count}"
            future = self._client.submit(carry_out, msgspec.json.encode(order), key=key, pure=False)
            futures[future] = shard
        replies: dict[Shard, Reply] = {}
        while len(replies) < len(orders):
            left = [future for future, shard in futures.items() if shard not in replies]
            try:
                with self._interrupts.at_once():
                    for future in self._dask.as_completed(left, loop=self._client.loop):
                        replies[futures[future]] = reply = _reply_of(future)
                        _tell(futures[future], reply, verb, len(replies), len(orders))
            except Interrupted:
                if self._is_stopping:
                    raise
                self._is_stopping = True
                self._client.run(stop, self._run)
                click.echo("stopping: what is in flight is awaited", err=True)
        return replies


@contextmanager
def connected(address: str, interrupts: Interrupts) -> Iterator[Cluster]:
    """Yield the cluster at *address*, or for `local` one of this machine's cores; raises UsageError."""
    try:
        import distributed  # noqa: PLC0415 - the extra `dask`
    except ImportError as error:
        raise UsageError(
            "`--dask` needs a package that is not installed",
            hint='install the extra: `pip install "conversations-reconciler[dask] @ …"`',
        ) from error
    dask: Any = distributed
    cluster = None
    try:
        if address == LOCAL:
            cluster = dask.LocalCluster(
                threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            )
        client = dask.Client(cluster or address, set_as_default=False)
    except (OSError, TimeoutError, RuntimeError) as error:
        raise UsageError(
            f"no Dask scheduler answers at `{address}`: {escape(str(error))}",
            hint="start one with `dask scheduler`, and workers with `dask worker`",
        ) from error
    try:
        yield Cluster(dask, client, interrupts)
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def failure_of(shard: Shard, reply: Reply) -> ReconcilerError:
    """Return the error for a part that has no result: what its worker said, and which worker that is."""
    text, hint = _error_in(reply.told)
    where = f"part {shard} ended with exit code {reply.code} on the worker {reply.worker}"
    if not reply.worker:
        where = f"part {shard} was not carried out"
    return ReconcilerError(f"{where}: {text}" if text else where, hint=hint)


def _error_in(told: str) -> tuple[str, str | None]:
    """Return text and hint of the last error that a command printed."""
    text, hint = "", None
    for line in told.splitlines():
        if line.startswith("error: "):
            text, hint = line.removeprefix("error: "), None
        elif line.startswith("hint: "):
            hint = line.removeprefix("hint: ")
    return text, hint


def _reply_of(future: Any) -> Reply:
    try:
        data: bytes = future.result()
    except Exception as error:  # noqa: BLE001 - whatever happened to the worker
        return Reply("", 1, f"error: {' '.join(str(error).split())}\n")
    return msgspec.json.decode(data, type=Reply)


def _tell(shard: Shard, reply: Reply, verb: str, done: int, count: int) -> None:
    became = verb if reply.code in {0, 2} else f"ended with exit code {reply.code}"
    where = f" on {reply.worker}" if reply.worker else ""
    click.echo(escape(f"part {shard} {became}{where} ({done} of {count})"), err=True)
