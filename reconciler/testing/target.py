"""The API that holds the worlds: an emulator inside this process, or one at an address."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from reconciler.emulator import Emulator, EmulatorOptions, Fault, FaultScript
from reconciler.emulator.template_file import ANY, checked
from reconciler.errors import UsageError
from reconciler.operations.session import Settings
from reconciler.state.files import Files
from reconciler.state.keys import NO_KEYS
from reconciler.testing.sdk import sdk_client
from reconciler.testing.webhooks import Webhooks
from reconciler.twilio.endpoint import TWILIO, Endpoint

if TYPE_CHECKING:
    from twilio.rest import Client

Templates: TypeAlias = Mapping[str, str] | Literal["any"]
"""Texts of content templates by sid, or a stand-in for each."""
MEMORY: Final = "memory"
"""The endpoint of an emulator in the memory of this process."""


class Faults:
    """Scripted faults of the emulator, written as for `reconciler emulator --fault`."""

    def __init__(self, script: FaultScript, owner: object = None) -> None:
        self._script = script
        self._owner = owner

    def add(self, *faults: str | Fault) -> None:
        """Add rules, such as `create_message:1:reset_after`; they count requests from now on."""
        from reconciler.emulator.fault_text import parse_fault  # noqa: PLC0415 - the emulator's routes

        rules = (parse_fault(one) if isinstance(one, str) else one for one in faults)
        self._script.add(*rules, owner=self._owner)

    def clear(self) -> None:
        """Drop every rule, also those that others added."""
        self._script.clear()


class Target:
    """An emulator inside this process, or the API at an address; close it in the end.

    *endpoint* is `memory`, `emulator:FILE`, `twilio`, or an http(s) address. Raises UsageError.
    """

    def __init__(self, endpoint: str, environ: Mapping[str, str], templates: str | None = None) -> None:
        self._is_twilio = endpoint == TWILIO
        self._exit = ExitStack()
        self._where: Endpoint | Emulator
        self.remote: str | None = None
        """An origin or file URL where worlds would outlive this process; None for an emulator in memory."""
        if endpoint == MEMORY:
            self._where = self._emulator(None, templates)
            return
        self._where = Endpoint.parse(endpoint, environ)
        self.remote = self._where.origin
        if self._where.emulator_file is not None:
            file = Path(self._where.emulator_file)
            self._where = self._emulator(file, templates)
            self.remote = file.resolve().as_uri()

    def _emulator(self, file: Path | None, templates: str | None) -> Emulator:
        options = None
        if templates is not None:
            from reconciler.emulator.template_file import templates_of  # noqa: PLC0415 - few have any

            options = EmulatorOptions(templates=templates_of(templates))
        return self._exit.enter_context(closing(Emulator(file, options=options)))

    @contextmanager
    def templates(self, templates: Templates | None) -> Iterator[None]:
        """Let an emulator inside know *templates* as long as the block runs; raises UsageError."""
        if templates is None or isinstance(self._where, Endpoint):
            yield
            return
        known, added = (
            self._where.store.templates,
            None if templates == ANY else checked(templates, "`templates`"),
        )
        known.add(added)
        try:
            yield
        finally:
            known.remove(added)

    def close(self) -> None:
        """Stop the emulator and its server, if any; an emulator in memory loses its content."""
        self._exit.close()

    @property
    def is_emulator(self) -> bool:
        """Whether the API is an emulator inside this process."""
        return not isinstance(self._where, Endpoint)

    @cached_property
    def base_url(self) -> str:
        """The address of the API over HTTP, without `/v1`; the first use starts the server of an emulator."""
        if isinstance(self._where, Endpoint):
            return self._where.base_url.removesuffix("/v1")
        from reconciler.emulator.server import running  # noqa: PLC0415 - uvicorn

        return self._exit.enter_context(running(self._where))

    def client(self) -> Client:
        """Return a client of the official SDK; raises UsageError if that is not installed."""
        if not isinstance(self._where, Endpoint):
            return sdk_client(self.base_url, username=self._where.store.account_sid)
        if self._where.credentials is None:
            raise UsageError("the SDK needs credentials", hint="set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
        username, secret = self._where.credentials.username, self._where.credentials.secret
        base_url = None if self._is_twilio else self.base_url
        account_sid = self._where.account_sid
        return sdk_client(base_url, username=username, password=secret, account_sid=account_sid)

    def faults_of(self, owner: object) -> Faults:
        """Return the emulator's faults; those added through them belong to *owner*.

        Raises UsageError without an emulator inside.
        """
        if isinstance(self._where, Endpoint):
            raise UsageError(
                f"no faults can be scripted at {self._where.origin}",
                hint=f"run this test with the endpoint `{MEMORY}`",
            )
        return Faults(self._where.faults, owner)

    def drop_faults_of(self, owner: object) -> None:
        """Drop the faults that belong to *owner*, if there is an emulator that has any."""
        if not isinstance(self._where, Endpoint):
            self._where.faults.clear(owner)

    def webhooks_of(self, service_sids: Collection[str]) -> Webhooks | None:
        """Return the webhooks of these services, or None without an emulator inside."""
        if isinstance(self._where, Endpoint):
            return None
        return Webhooks(self._where, service_sids)

    def settings(self, state: Path) -> Settings:
        """Return the settings of an operation at this target, with the state at *state*."""
        if isinstance(self._where, Endpoint):
            return Settings(self._where, state, files=_Unsynced(), keys=NO_KEYS)
        # An emulator shows what it accepted at once, so a create without a reply needs no waiting.
        return Settings(self._where, state, settle=0, files=_Unsynced(), keys=NO_KEYS)


class _Unsynced(Files):
    """Writes without waiting for the disk: the state of a world has no use after its process."""

    waits = False

    def sync(self, fd: int) -> None:
        """Do nothing."""

    def sync_folder(self, folder: Path) -> None:
        """Do nothing."""
