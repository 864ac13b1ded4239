"""Make the worlds of one process, and throw each away."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconciler import api
from reconciler.errors import ApplyError
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.kept import Kept
from reconciler.manifest.load import load
from reconciler.model import Desired, Unmanaged, map_conversations
from reconciler.model.canonical import canonical_instant
from reconciler.operations.ephemeral import (
    DEFAULT_WORKSPACE,
    Label,
    check_workspace,
    exists_already,
    throw_away,
)
from reconciler.operations.session import Settings, open_connection
from reconciler.operations.sweep import delete_services, leftovers
from reconciler.runtime.concurrency import finish
from reconciler.state.remembered import Binding
from reconciler.state.stores.file import StateStore
from reconciler.testing.target import MEMORY, Faults, Target, Templates
from reconciler.testing.world import World

if TYPE_CHECKING:
    from twilio.rest import Client


class Teardown(StrEnum):
    """Whether a world is thrown away at its end."""

    ON = "on"
    """Always."""
    OFF = "off"
    """Never."""
    ON_SUCCESS = "on-success"
    """Only if no test failed and no error was raised."""


class Backend:
    """Makes worlds at one target, and throws them away; close it in the end.

    *endpoint* is that of `Target`. Names of services hold *workspace*, and *label* as a part of the name of
    this process. The state of each world is a file in *folder*. *templates* is a file of content templates
    for the emulator, or `any`. Raises UsageError.
    """

    def __init__(
        self,
        endpoint: str = MEMORY,
        *,
        folder: Path,
        workspace: str = DEFAULT_WORKSPACE,
        label: str = "",
        templates: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._workspace = check_workspace(workspace)
        self.maker = f"{label}-{secrets.token_hex(6)}".lstrip("-")
        """The name of this process, as a part of the names of services."""
        self._folder = folder
        self._numbers = count(1)  # two threads never get the same number
        self._standing: set[int] = set()
        self._target = Target(endpoint, environ, templates)
        self._known = Kept()

    def close(self) -> None:
        """Stop the emulator and its server, if any; an emulator in memory loses its content."""
        self._target.close()

    @property
    def remote(self) -> str | None:
        """An origin or file URL where worlds would outlive this process; None for an emulator in memory."""
        return self._target.remote

    @property
    def clean(self) -> bool:
        """Whether every world of this backend was thrown away."""
        return not self._standing

    @property
    def base_url(self) -> str:
        """The address of the API over HTTP, without `/v1`; the first use starts the server of an emulator."""
        return self._target.base_url

    @property
    def faults(self) -> Faults:
        """The faults that hit all worlds, until cleared; raises UsageError without an emulator inside."""
        return self._target.faults_of(None)

    def client(self) -> Client:
        """Return a client of the official SDK; raises UsageError if that is not installed."""
        return self._target.client()

    @contextmanager
    def world(
        self,
        *paths: str | os.PathLike[str],
        variables: Mapping[str, Any] | None = None,
        teardown: Teardown = Teardown.ON,
        allow_existing: bool = False,
        allow_delivery: bool = False,
        allow_close: bool = False,
        templates: Templates | None = None,
        failed: Callable[[], bool] = bool,
    ) -> Iterator[World]:
        """Make what the manifests at *paths* declare, and throw it away at the end of the block.

        *variables* are the values of the manifests' variables; they win over `RECONCILER_VAR_…`. A service
        with `sid:` is refused, unless *allow_existing*: then the objects made in it are deleted at the end.
        *allow_delivery* permits messages that reach people outside the chat, and *allow_close* the state
        `closed`. *templates* are texts of content templates by sid, or `any`: a stand-in for each; only the
        emulator needs them, and only while the world is made. With `on-success` a world stays if the block
        raises, or if *failed* returns True at the end.

        Raises the errors of `api.load` and `api.apply`, and ApplyError if an object could not be deleted.
        """
        number = next(self._numbers)
        label = Label(self._workspace, canonical_instant(datetime.now(UTC)), self.maker, number)
        desired = throw_away(self._load(paths, variables or {}), label, allow_existing=allow_existing)
        if self._target.is_emulator:
            desired = replace(
                desired, account_sid=None
            )  # the account of the emulator is not the one that the manifests name
        settings = self._target.settings(self._folder / f"{self.maker}.{number}.json")
        done = False
        self._standing.add(number)
        try:
            options = api.Options(allow_delivery=allow_delivery, allow_close=allow_close)
            with self._target.templates(templates):
                api.apply(desired, settings, options)
            world = World(self._target, settings, _bindings(settings))
            try:
                yield world
            finally:
                world.close()
            done = not failed()
        finally:
            if teardown is Teardown.ON or (teardown is Teardown.ON_SUCCESS and done):
                finish(_tear_down(desired, settings))
                self._standing.remove(number)

    def _load(self, paths: Iterable[str | os.PathLike[str]], variables: Mapping[str, Any]) -> Desired:
        """Return what `api.load` does; many tests make the same manifests, which are parsed once."""
        inputs = Inputs(os.environ, values=variables)
        return load([Path(path) for path in paths], inputs, known=self._known)

    def sweep(self, maker: str) -> None:
        """Delete the services that the process *maker* left behind; raises ApplyError."""
        finish(self._sweep(maker))

    async def _sweep(self, maker: str) -> None:
        settings = self._target.settings(self._folder)
        async with open_connection(settings) as connection:
            found = await leftovers(connection.client, self._workspace)
        await _delete([one.sid for one in found if one.label.maker == maker], settings)


def _bindings(settings: Settings) -> Mapping[str, Binding]:
    state = StateStore(settings.state).read()
    return state.bindings if state is not None else {}


async def _tear_down(desired: Desired, settings: Settings) -> None:
    """Delete the services that were made, with their content, and the objects made in other services."""
    bindings = _bindings(settings)
    made = [service for service in desired.services if not exists_already(service)]
    sids = [bindings[service.name].sid for service in made if service.name in bindings]
    lost = {service.friendly_name for service in made if service.name not in bindings}
    if lost:  # the reply to its create was lost, so the service may exist
        async with open_connection(settings) as connection:
            async for page in connection.client.service_pages():
                sids += [service.sid for service in page if service.friendly_name in lost]
    await _delete(sids, settings)
    if len(made) < len(desired.services):
        everything = api.Options(max_delete=100, max_delete_percent=True)
        await api.adestroy(settings, everything, desired=_unprotected(desired))


async def _delete(sids: list[str], settings: Settings) -> None:
    async with open_connection(settings) as connection:
        failed = await delete_services(connection.client, sids, at_once=settings.parallelism)
    if failed:
        sid, error = next(iter(failed.items()))
        raise ApplyError(
            f"the service {sid} of a test could not be deleted: {error.text}",
            hint="`reconciler sweep` deletes it later",
        ) from error


def _unprotected(desired: Desired) -> Desired:
    """Return *desired* without protections, so that messages of tests are deleted as well."""
    return map_conversations(desired, lambda _, one: replace(one, unmanaged=Unmanaged.DELETE, messages=()))
