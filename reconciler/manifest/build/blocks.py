"""The blocks `import`, `moved` and `removed`, and their conflicts with what is declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from reconciler.manifest.content import Entry, FileContent
from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.model import Address, Import, Move, Service, is_address, is_within, type_of
from reconciler.model.sids import PREFIXES, canonical_sid


class Blocks(Struct, frozen=True):
    """The entries of all files."""

    imports: tuple[Import, ...]
    moves: tuple[Move, ...]
    removed: tuple[Address, ...]
    found: dict[str, list[Finding]]
    """By path: what is wrong with its entries."""


def entries_of(manifest: dict[str, Any]) -> tuple[Entry, ...]:
    """Return the entries of the blocks of *manifest*, without those that lack a field."""
    return tuple(
        Entry(
            block,
            position,
            previous=fields.get("from"),
            address=fields.get("to"),
            sid=canonical_sid(fields.get("sid", "")),
        )
        for block, needed in (("import", ("to", "sid")), ("moved", ("from", "to")), ("removed", ("from",)))
        for position, fields in enumerate(manifest.get(block, ()))
        if all(fields.get(name) for name in needed)
    )


def blocks_of(contents: Iterable[FileContent], services: Iterable[Service]) -> Blocks:
    """Return the entries of *contents*, checked against all declared *services*."""
    placed = [(content.path, entry) for content in contents for entry in content.entries]
    if not placed:
        return Blocks((), (), (), {})
    judge = _Judge(placed, services)
    found: dict[str, list[Finding]] = {}
    for path, entry in placed:
        found.setdefault(path, []).extend(judge.findings(path, entry))
    imports, moves, removed = [], [], []
    for _, entry in placed:
        if entry.block == "import":
            imports.append(Import(entry.address or "", entry.sid or ""))
        elif entry.block == "moved":
            moves.append(Move(entry.previous or "", entry.address or ""))
        else:
            removed.append(entry.previous or "")
    return Blocks(tuple(imports), tuple(moves), tuple(removed), found)


class _Judge:
    """Checks entries against all declared addresses and all other entries."""

    def __init__(self, placed: list[tuple[str, Entry]], services: Iterable[Service]) -> None:
        self._declared = dict(_declared(services))
        self._moves = {
            entry.previous: entry.address or ""
            for _, entry in placed
            if entry.block == "moved" and entry.previous
        }
        self._removed = {entry.previous or "" for _, entry in placed if entry.block == "removed"}
        self._first: dict[tuple[str, ...], tuple[str, Loc]] = {}

    def findings(self, path: str, entry: Entry) -> Iterator[Finding]:
        """Yield the first mistake of *entry*, if it has one. Call this for all entries in their order."""
        judge = {"import": self._import, "moved": self._move, "removed": self._remove}[entry.block]
        finding = self._repeated(path, entry) or _reserved(entry) or judge(entry)
        if finding is not None:
            yield finding

    def _repeated(self, path: str, entry: Entry) -> Finding | None:
        named = {"import": ("to", "sid"), "moved": ("from", "to"), "removed": ("from",)}[entry.block]
        values = {"from": entry.previous, "to": entry.address, "sid": entry.sid}
        for field in named:
            value = values[field] or ""
            loc = entry.loc(field)
            first = self._first.setdefault((entry.block, field, value), (path, loc))
            if first != (path, loc):
                return Finding(loc, f"`{entry.block}` names `{value}` twice; first at", earlier=first)
        return None

    def _import(self, entry: Entry) -> Finding | None:
        address, sid = entry.address or "", entry.sid or ""
        kind = type_of(address)
        if not sid.startswith(PREFIXES[kind]):
            return Finding(
                entry.loc("sid"),
                f"`{sid}` is not the SID of a {kind}, which `{address}` is",
                f"it is `{PREFIXES[kind]}` and 32 hexadecimal digits",
            )
        if address not in self._declared:
            return Finding(
                entry.loc("to"),
                f"`import` names `{address}`, which no manifest declares",
                "declare it: what is imported is managed from then on",
            )
        given = self._declared[address]
        if given not in (None, sid):
            return Finding(
                entry.loc("sid"), f"`{address}` is declared with `sid: {given}`", "keep one of the two"
            )
        return None

    def _move(self, entry: Entry) -> Finding | None:
        previous, address = entry.previous or "", entry.address or ""
        if type_of(previous) is not type_of(address):
            return Finding(
                entry.loc("to"),
                f"`{previous}` is a {type_of(previous)} and cannot become the {type_of(address)} `{address}`",
                "give it an address with as many parts",
            )
        if previous in self._declared:
            return Finding(
                entry.loc("from"),
                f"`{previous}` has moved, but is still declared",
                "take out this entry, or declare it under its new address alone",
            )
        end, seen = address, {previous}
        while end in self._moves and end not in seen:
            seen.add(end)
            end = self._moves[end]
        if end in seen:
            return Finding(
                entry.loc("to"), f"`{previous}` moves in a circle", "take one of its entries out of `moved`"
            )
        if end not in self._declared and not is_within(end, self._removed):
            return Finding(
                entry.loc("to"),
                f"`moved` names `{end}`, which no manifest declares",
                "declare it, or take out this entry if it is to be deleted",
            )
        return None

    def _remove(self, entry: Entry) -> Finding | None:
        previous = entry.previous or ""
        if previous in self._declared:
            return Finding(
                entry.loc("from"),
                f"`{previous}` is to be forgotten, but is still declared",
                "take out this entry, or what declares it",
            )
        return None


def _reserved(entry: Entry) -> Finding | None:
    """Return what is wrong with an address that gives a message a reserved key."""
    if not entry.address or is_address(entry.address):
        return None
    return Finding(
        entry.loc("to"),
        f"`{entry.address}` can be no message: the addresses of participants begin with it",
        "choose another key",
    )


def _declared(services: Iterable[Service]) -> Iterator[tuple[Address, str | None]]:
    """Yield every declared address, with its declared SID if there is one."""
    for service in services:
        yield service.name, service.sid
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            yield address, conversation.sid
            for message in conversation.messages:
                yield f"{address}/{message.key}", None
            for participant in conversation.participants:
                yield f"{address}/participants/{participant.key}", None
