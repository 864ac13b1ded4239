"""Merge the contents of all files to `Desired`, and find the conflicts between their declarations."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final

from msgspec.structs import replace

from reconciler.manifest.build.blocks import blocks_of
from reconciler.manifest.content import FileContent
from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.manifest.digest import digest_of
from reconciler.model import Conversation, Desired, Service

_IDENTITIES: Final = ("default", "sid", "friendly_name")
"""Fields that tell which service at Twilio is meant; the first that is given decides."""


class Merger:
    """Merges the contents of files. Of two declarations that conflict, the first is kept."""

    def __init__(self) -> None:
        self.found: dict[str, list[Finding]] = {}
        """By path: the conflicts with earlier declarations."""
        self._contents: list[FileContent] = []
        self._services: dict[str, list[Service]] = {}
        """By name: the declarations of one service, a file each."""
        self._given: dict[Loc, tuple[Any, str]] = {}
        """Values that all files must agree on, each with the path that gave it first."""
        self._unique: dict[tuple[str, ...], tuple[str, Loc]] = {}
        """Identities that may be declared only once, each with the path and location that has it."""

    def add(self, content: FileContent) -> None:
        """Add the declarations of one file."""
        if content.account is not None:
            self._give(content.account, content.path, ("account",), "`account`")
        for service in content.services:
            self._add_service(service)
        self._contents.append(content)

    def desired(self) -> Desired:
        """Return the merged declarations; a service without sid and friendly name is found by its name."""
        account, account_path = self._given.get(("account",), (None, ""))
        services = tuple(map(self._merged, self._services.values()))
        blocks = blocks_of(self._contents, services)
        for path, findings in blocks.found.items():
            self.found.setdefault(path, []).extend(findings)
        changes = (blocks.imports, blocks.moves, blocks.removed)
        digest = digest_of(account, services, changes)
        return Desired(services, digest, account, *changes, account_path=account_path)

    def _add_service(self, service: Service) -> None:
        name, loc = service.name, ("services", service.name)
        for field in _IDENTITIES:
            value = getattr(service, field)
            if value:
                self._give(value, service.path, (*loc, field), f"`{field}` of service `{name}`")
        kept = tuple(one for one in service.conversations if self._is_new(one, name))
        self._services.setdefault(name, []).append(replace(service, conversations=kept))

    def _is_new(self, conversation: Conversation, service: str) -> bool:
        """Return whether *conversation* is declared for the first time; note what conflicts in it."""
        name, path = conversation.name, conversation.path
        loc: Loc = ("services", service, "conversations", name)
        address = f"{service}/{name}"
        if not self._once((address,), path, loc, f"conversation `{address}` is declared", on_key=True):
            return False
        if conversation.sid is not None:
            self._once((conversation.sid,), path, (*loc, "sid"), f"`{conversation.sid}` is declared")
        unique_name = conversation.unique_name
        if unique_name is not None:
            self._once(
                ("unique_name", service, unique_name),
                path,
                (*loc, "unique_name"),
                f"the unique name `{unique_name}` is used",
            )
        for position, message in enumerate(conversation.messages):
            if message.media_sid:
                self._once(
                    (message.media_sid,),
                    path,
                    (*loc, "messages", position, "media_sid"),
                    f"`{message.media_sid}` is used",
                    "Twilio attaches an uploaded file to one message only",
                )
        return True

    def _merged(self, declarations: list[Service]) -> Service:
        first = declarations[0]
        loc: Loc = ("services", first.name)
        given = {field: self._given[*loc, field][0] for field in _IDENTITIES if (*loc, field) in self._given}
        if not given:
            given["friendly_name"] = first.name
        self._check_identity(first, given, loc)
        conversations = chain.from_iterable(one.conversations for one in declarations)
        return replace(first, **given, conversations=tuple(conversations))

    def _check_identity(self, first: Service, given: dict[str, Any], loc: Loc) -> None:
        """Note what conflicts in the identities that are *given* for the service declared *first*."""
        if "default" in given:
            for field in (one for one in given if one != "default"):
                self._add(
                    self._given[*loc, field][1],
                    (*loc, field),
                    f"`{field}` in service `{first.name}`, which has `default: true` at",
                    "keep one of them: the default service is found by the account",
                    earlier=(self._given[*loc, "default"][1], (*loc, "default")),
                )
        identity = next(field for field in _IDENTITIES if field in given)
        _, path = self._given.get((*loc, identity), (None, first.path))
        self._once(
            ("service", identity, str(given[identity])),
            path,
            (*loc, identity),
            "the default service is declared"
            if identity == "default"
            else f"the service with `{identity}: {given[identity]}` is declared",
            "declare it once; what several files say of one service name is merged",
        )

    def _give(self, value: Any, path: str, loc: Loc, noun: str) -> None:
        """Note the *value* that *path* has at *loc*; another value in another file is a conflict."""
        first, where = self._given.setdefault(loc, (value, path))
        if first != value:
            self._add(path, loc, f"{noun} is `{value}` here, and `{first}` at", None, (where, loc))

    def _once(
        self,
        identity: tuple[str, ...],
        path: str,
        loc: Loc,
        text: str,
        hint: str | None = None,
        *,
        on_key: bool = False,
    ) -> bool:
        """Return whether *identity* is new; the second one is noted as a conflict."""
        first = self._unique.setdefault(identity, (path, loc))
        if first == (path, loc):
            return True
        self._add(path, loc, f"{text} twice; first at", hint, first, on_key=on_key)
        return False

    def _add(
        self,
        path: str,
        loc: Loc,
        text: str,
        hint: str | None,
        earlier: tuple[str, Loc],
        *,
        on_key: bool = False,
    ) -> None:
        self.found.setdefault(path, []).append(Finding(loc, text, hint, on_key, earlier))
