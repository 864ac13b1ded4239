"""Load one part of the manifests in little memory: what belongs to other parts is dropped file by file.

Everything is checked as if all were kept. Where anything is wrong, or a block names a message of another
part, there is no result: then all manifests have to be loaded at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from reconciler.manifest.build.media import with_media_files
from reconciler.manifest.content import FileContent
from reconciler.manifest.digest import digest_of_conversation
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.limits import Reading
from reconciler.manifest.merge import Merger
from reconciler.manifest.quoted_json import quoted_json
from reconciler.manifest.taken import folders_of, parsed_files
from reconciler.model import Address, Conversation, Desired, conversation_of
from reconciler.model.cut import part_of_desired
from reconciler.model.shard import Shard

if TYPE_CHECKING:
    from reconciler.manifest.expansion.source_map import SourceMap
    from reconciler.manifest.kept import Known
    from reconciler.manifest.unexpanded import Unexpanded

_BATCH: Final = 16_000_000
"""Bytes of manifests that are parsed together, by several processes."""


class _Faulty(Exception):
    """Something is wrong, or cannot be known of a part."""


def load_part(
    files: list[Path], inputs: Inputs, known: Known | None, processes: int, shard: Shard
) -> Desired | None:
    """Return the part *shard* of what *files* declare; the other arguments are those of `load`.

    Return None if that takes all manifests at once.
    """
    try:
        return _Loading(shard, known, processes).load(files, inputs)
    except _Faulty:
        return None


class _Loading:
    """The loading of one part."""

    def __init__(self, shard: Shard, known: Known | None, processes: int) -> None:
        self._shard = shard
        self._known = known
        self._processes = processes
        self._contents: dict[str, FileContent] = {}
        self._unexpanded: list[Unexpanded] = []

    def load(self, files: list[Path], inputs: Inputs) -> Desired:
        """Return the part; raises _Faulty."""
        self._read(files)
        doubts = tuple(doubt for content in self._contents.values() for doubt in content.doubts)
        awaits = self._expand(inputs)
        merger = Merger()
        for content in self._contents.values():
            merger.add(content)
        self._require_own_blocks()
        whole = merger.desired()
        if any(merger.found.values()):
            raise _Faulty
        part = part_of_desired(whole, self._shard.has)
        desired: Desired = replace(part, awaits=awaits, doubts=(*doubts, *quoted_json(part)))
        return desired

    def _read(self, files: list[Path]) -> None:
        """Read and parse *files*, some at a time, and keep what belongs to the part."""
        reading, keys = Reading(), {}
        batch: dict[str, bytes] = {}
        for file in files:
            path = str(file)
            try:
                data = reading.read(file)
            except OSError:
                raise _Faulty from None
            content = None
            if self._known is not None:
                keys[path] = self._known.key(data, path)
                content = self._known.get(keys[path], path)
            self._contents[path] = FileContent(path) if content is None else self._kept(content)
            if content is None:
                batch[path] = data
            if sum(map(len, batch.values())) > (_BATCH if self._processes else 0):
                self._parse(batch, keys)
                batch = {}
        self._parse(batch, keys)

    def _parse(self, batch: dict[str, bytes], keys: dict[str, bytes]) -> None:
        for path, parsed in parsed_files(batch, self._processes):
            if parsed.problems:
                raise _Faulty
            if parsed.unexpanded is not None:
                self._unexpanded.append(parsed.unexpanded)
            elif self._known is not None:  # it is sound by itself, whatever the other files say
                self._known.keep(keys[path], parsed.content)
            self._contents[path] = self._kept(parsed.content)

    def _expand(self, inputs: Inputs) -> tuple[Address, ...]:
        """Expand the files that need it, one after another; return the services whose sids texts refer to."""
        if not (self._unexpanded or inputs.assignments or inputs.files or inputs.values or inputs.defaults):
            return ()
        from reconciler.manifest.expansion.resolve import resolve  # noqa: PLC0415 - only expansion needs it

        plain = (service.name for content in self._contents.values() for service in content.services)
        resolution = resolve(self._unexpanded, inputs, plain, take=self._kept)
        if any(resolution.found.values()):
            raise _Faulty
        doubts = {path: content.doubts for path, content in self._contents.items()}
        for path, content in resolution.contents.items():
            self._contents[path] = replace(content, doubts=doubts.get(path, ()))
        return resolution.awaits

    def _kept(self, content: FileContent, source_map: SourceMap | None = None) -> FileContent:
        """Return *content* with little more than the names of conversations that belong to other parts."""
        complete, missing = with_media_files(content, folders_of(content.path, source_map))
        if missing:
            raise _Faulty
        services = (
            replace(
                service,
                conversations=tuple(
                    one if self._shard.has(f"{service.name}/{one.name}") else _without_most(one)
                    for one in service.conversations
                ),
            )
            for service in complete.services
        )
        return replace(complete, services=tuple(services))

    def _require_own_blocks(self) -> None:
        """Raise _Faulty for a block about a message of another part: whether it is declared is not known."""
        for address in self._named_in_blocks():
            conversation = conversation_of(address)
            if conversation != address and "/" in address and not self._shard.has(conversation):
                raise _Faulty

    def _named_in_blocks(self) -> Iterator[Address]:
        for content in self._contents.values():
            for entry in content.entries:
                yield from (one for one in (entry.previous, entry.address) if one is not None)


def _without_most(one: Conversation) -> Conversation:
    """Return *one*, which belongs to another part, with what conflicts and digests need."""
    used = tuple(message for message in one.messages if message.media_sid)
    return Conversation(
        name=one.name,
        path=one.path,
        line=one.line,
        sid=one.sid,
        unique_name=one.unique_name,
        messages=used,
        digest=digest_of_conversation(one),
    )
