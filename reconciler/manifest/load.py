"""The policy for Python's cyclic garbage collector while many values are built.

Loading makes millions of containers and no cycles; full collections among them double its cost.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import ManifestError, Problem
from reconciler.manifest.build.media import look_at, size_limit
from reconciler.manifest.content import FileContent, Parsed
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.manifest.files import manifest_files
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.limits import Reading, limited
from reconciler.manifest.merge import Merger
from reconciler.model import Conversation, Desired, Message
from reconciler.text.suggestions import few_suggestions

if TYPE_CHECKING:
    from reconciler.manifest.cache import ParsedFiles
    from reconciler.manifest.content import Written
    from reconciler.manifest.expansion.source_map import Origins


@contextmanager
def collector_paused() -> Iterator[None]:
    """Switch the collector off inside the block, and on again after it if it was on."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


NOTHING_GIVEN: Final = Inputs()


_WORTH_A_PROCESS: Final = 500_000
"""Bytes to read for each of several processes: with less, they cost more time than they save."""


def load(
    paths: Sequence[Path],
    inputs: Inputs = NOTHING_GIVEN,
    *,
    known: ParsedFiles | None = None,
    processes: int = 0,
) -> Desired:
    """Return what the manifests at *paths* (files or folders) ask for, with what *inputs* give them.

    Files that are *known* are not parsed again. Many others are read by up to so many *processes*, which are
    forked: give none where the process has threads or belongs to somebody else.

    Raises ManifestError with every problem of every file, in the order of files and lines, and
    UsageError for a path that cannot be read, a folder without manifests, and inputs that cannot be used.
    """
    with collector_paused(), few_suggestions(), limited(inputs.limits):
        return _load(manifest_files(paths), inputs, known, processes)


class _Read(Struct):
    """What the files say one by one; *fresh* are those that were not known."""

    contents: dict[str, FileContent] = {}
    written: list[Written] = []
    problems: dict[str, list[Problem]] = {}
    fresh: list[tuple[bytes, FileContent]] = []  # by the keys of those that are to be known


def _read(files: list[Path], known: ParsedFiles | None, processes: int) -> _Read:
    read = _Read()
    unknown: dict[str, bytes] = {}
    keys: dict[str, bytes] = {}
    reading = Reading()
    for file in files:
        path = str(file)
        read.problems[path] = []
        try:
            data = reading.read(file)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            read.problems[path].append(Problem(path, 0, 0, f"the file cannot be read: {reason.lower()}"))
            continue
        content = None
        if known is not None:
            keys[path] = known.key(data, path)
            content = known.get(keys[path], path)
        if content is None:
            unknown[path] = data
        read.contents[path] = content or FileContent(path)  # its place among the others
    for path, parsed in _parsed(unknown, processes):
        read.contents[path] = parsed.content
        read.problems[path] += parsed.problems
        if parsed.written is not None:
            read.written.append(parsed.written)
        elif path in keys:
            read.fresh.append((keys[path], parsed.content))
    return read


def _parsed(files: dict[str, bytes], processes: int) -> Iterator[tuple[str, Parsed]]:
    """Yield what each of *files* says, in their order."""
    if not files:
        return
    from reconciler.manifest.parse import parse  # noqa: PLC0415 - pydantic-core and ruamel.yaml

    apart: dict[str, Parsed] = {}
    processes = min(processes, sum(map(len, files.values())) // _WORTH_A_PROCESS)
    if processes > 1:
        from reconciler.manifest.workers import read_apart  # noqa: PLC0415 - seldom needed

        apart = read_apart(files, processes)
    for path, data in files.items():
        yield path, apart.get(path) or parse(data, path)


def _load(files: list[Path], inputs: Inputs, known: ParsedFiles | None, processes: int) -> Desired:
    read = _read(files, known, processes)
    contents, written, problems = read.contents, read.written, read.problems
    found: dict[str, list[Finding]] = {}
    origins: Mapping[str, Origins] = {}
    awaits: tuple[str, ...] = ()
    doubts = tuple(doubt for content in contents.values() for doubt in content.doubts)
    if written or inputs.assignments or inputs.files or inputs.values:
        from reconciler.manifest.expansion.resolve import resolve  # noqa: PLC0415 - only what says more than it seems needs it

        plain = (service.name for content in contents.values() for service in content.services)
        resolution = resolve(written, inputs, plain)
        contents |= resolution.contents
        found, origins, awaits = resolution.found, resolution.origins, resolution.awaits
    merger = Merger()
    for path, content in contents.items():
        looked_at, missing = _with_media(content, _folders(path, origins.get(path)))
        found.setdefault(path, []).extend(missing)
        merger.add(looked_at)
    desired = merger.desired()
    for path, conflicts in merger.found.items():
        found[path] += conflicts
    if any(found.values()):
        _place(found, origins, problems)
    if any(problems.values()):
        raise ManifestError(
            tuple(one for path in problems for one in sorted(problems[path], key=_line_and_column))
        )
    if known is not None:
        for key, content in read.fresh:  # only now: manifests with a mistake leave nothing behind
            known.keep(key, content)
    return replace(desired, awaits=awaits, doubts=doubts)


def _place(
    found: dict[str, list[Finding]], origins: Mapping[str, Origins], problems: dict[str, list[Problem]]
) -> None:
    """Turn what was *found* into *problems*; the files are read again for the places."""
    from reconciler.manifest.expansion.resolve import traced  # noqa: PLC0415 - only mistakes need it
    from reconciler.manifest.yaml.source import DataSource, Source  # noqa: PLC0415
    from reconciler.runtime.text_file import decoded  # noqa: PLC0415

    sources: dict[str, Source] = {}

    def source_of(path: str) -> Source:
        if path not in sources:
            kind = Source if path in found else DataSource
            sources[path] = kind(path, decoded(Path(path).read_bytes()))
        return sources[path]

    for path, findings in found.items():
        for home, finding in traced(path, findings, origins):
            problems.setdefault(home, []).append(source_of(home).problem(finding, source_of))


def _line_and_column(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


def _folders(path: str, origins: Origins | None) -> Callable[[Loc], Path]:
    """Return what gives the folder that a path written at a location of *path* is relative to."""
    if origins is None:
        return lambda _: Path(path).parent
    return lambda loc: Path(origins.located(loc)[0]).parent


def _with_media(content: FileContent, folder_of: Callable[[Loc], Path]) -> tuple[FileContent, list[Finding]]:
    """Return *content* with its media files looked at, and what is wrong with them."""
    found: list[Finding] = []
    services = []
    for service in content.services:
        conversations = []
        for conversation in service.conversations:
            if any(message.file for message in conversation.messages):
                loc: Loc = ("services", service.name, "conversations", conversation.name, "messages")
                conversations.append(_look_at_files(conversation, folder_of, loc, found))
            else:
                conversations.append(conversation)
        services.append(replace(service, conversations=tuple(conversations)))
    return replace(content, services=tuple(services)), found


def _look_at_files(
    conversation: Conversation, folder_of: Callable[[Loc], Path], loc: Loc, found: list[Finding]
) -> Conversation:
    limit = size_limit(conversation)
    messages: list[Message] = []
    for position, message in enumerate(conversation.messages):
        looked_at = message
        if message.file is not None and message.file.path:
            where: Loc = (*loc, position, "media", "file")
            try:
                file = look_at(message.file, folder_of(where), limit)
                looked_at = replace(message, file=file, media=file.sha256)
            except Refusal as refusal:
                text = f"`media` of message `{message.key}` {refusal.text}"
                found.append(Finding(where, text, refusal.hint))
        messages.append(looked_at)
    return replace(conversation, messages=tuple(messages))
