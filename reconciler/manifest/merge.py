"""One world out of many files, and the mistakes that only two places together make."""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from reconciler.manifest.build.blocks import blocks_of
from reconciler.manifest.content import FileContent
from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.model import Conversation, Desired, Message, Participant, Service

T = TypeVar("T", Conversation, Message)

_APART: Final = {"path", "line", "file", "messages", "participants", "conversations"}
"""What the digest leaves out (where something is written) or covers on its own."""


class Merger:
    """Merges the contents of files; *found* has per path what conflicts with an earlier place.

    Of what conflicts, the first counts.
    """

    def __init__(self) -> None:
        self.found: dict[str, list[Finding]] = {}
        self._contents: list[FileContent] = []
        self._services: dict[str, dict[str, Any]] = {}
        self._conversations: dict[str, list[Conversation]] = {}
        self._given: dict[Loc, tuple[Any, str]] = {}
        self._unique: dict[tuple[str, ...], tuple[str, Loc]] = {}

    def add(self, content: FileContent) -> None:
        """Add what one file says."""
        if content.account is not None:
            self._give(content.account, content.path, ("account",), "`account`")
        for service in content.services:
            self._add_service(service)
        self._contents.append(content)

    def desired(self) -> Desired:
        """Return the merged world; friendly names that nobody gave are filled in."""
        account, where = self._given.get(("account",), (None, ""))
        services = tuple(self._service(name) for name in self._services)
        blocks = blocks_of(self._contents, services)
        for path, findings in blocks.found.items():
            self.found.setdefault(path, []).extend(findings)
        said = (blocks.imports, blocks.moves, blocks.removed)
        return Desired(services, _digest(account, services, said), account, *said, account_path=where)

    def _add_service(self, service: Service) -> None:
        name, loc = service.name, ("services", service.name)
        fields = self._services.setdefault(name, {"path": service.path, "line": service.line})
        for field in ("sid", "friendly_name", "default"):
            value = getattr(service, field)
            if value:
                fields.setdefault(field, value)
                self._give(value, service.path, (*loc, field), f"`{field}` of service `{name}`")
        conversations = self._conversations.setdefault(name, [])
        for conversation in service.conversations:
            if self._add_conversation(conversation, name):
                conversations.append(conversation)

    def _add_conversation(self, conversation: Conversation, service: str) -> bool:
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

    def _service(self, name: str) -> Service:
        loc, fields = ("services", name), self._services[name]
        if "default" in fields:
            identity = "default"
            for field in ("sid", "friendly_name"):
                if field in fields:
                    self._add(
                        self._given[*loc, field][1],
                        (*loc, field),
                        f"`{field}` in service `{name}`, which has `default: true` at",
                        "keep one of them: the default service is found by the account",
                        earlier=(self._given[*loc, "default"][1], (*loc, "default")),
                    )
        elif "sid" in fields:
            identity = "sid"
        else:
            identity = "friendly_name"
            fields.setdefault("friendly_name", name)
        _, path = self._given.get((*loc, identity), (None, fields["path"]))
        self._once(
            ("service", identity, str(fields[identity])),
            path,
            (*loc, identity),
            "the default service is declared"
            if identity == "default"
            else f"the service with `{identity}: {fields[identity]}` is declared",
            "declare it once; what several files say of one service name is merged",
        )
        return Service(name=name, conversations=tuple(self._conversations[name]), **fields)

    def _give(self, value: Any, path: str, loc: Loc, noun: str) -> None:
        """Note what *path* says of *loc*: other files may say the same, and nothing else."""
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
        """Return whether *identity* is met for the first time; if not, it is a mistake."""
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


def _all_but(kind: type[msgspec.Struct], apart: set[str]) -> attrgetter[tuple[Any, ...]]:
    return attrgetter(*(name for name in kind.__struct_fields__ if name not in apart))


_SERVICE = _all_but(Service, _APART)
_CONVERSATION = _all_but(Conversation, _APART)
_PARTICIPANT = _all_but(Participant, _APART)
_MESSAGE = _all_but(Message, _APART)


def _shown(one: T) -> T:
    """Return *one* without its sensitive values."""
    return msgspec.structs.replace(one, **dict.fromkeys(one.sensitive, "")) if one.sensitive else one


def _digest(account: str | None, services: tuple[Service, ...], blocks: tuple[tuple[Any, ...], ...]) -> str:
    """Return the digest of what is said, whichever files say it and in which order of files.

    Sensitive values are no part of it: short ones could be found by trying.
    """
    encode = msgspec.msgpack.Encoder().encode
    digest = hashlib.sha256(encode(account))
    if any(blocks):
        digest.update(encode([sorted(map(encode, block)) for block in blocks]))
    by_name = attrgetter("name")
    for service in sorted(services, key=by_name):
        digest.update(encode(_SERVICE(service)))
        for one in sorted(service.conversations, key=by_name):
            files = [(m.file.content_type, m.file.filename) for m in one.messages if m.file]
            messages = [_shown(message) if message.sensitive else message for message in one.messages]
            said = (*map(_PARTICIPANT, one.participants), *map(_MESSAGE, messages))
            digest.update(encode((_CONVERSATION(_shown(one)), said, files)))
    return f"sha256:{digest.hexdigest()}"
