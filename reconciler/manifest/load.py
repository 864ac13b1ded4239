"""Files to the desired world; all problems of all files are collected, then raised once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import ManifestError, Problem
from reconciler.manifest.collector import collector_paused
from reconciler.manifest.content import FileContent, Parsed
from reconciler.manifest.files import manifest_files
from reconciler.manifest.findings import Finding, Loc, Refusal
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.media import look_at, size_limit
from reconciler.manifest.merge import Merger
from reconciler.model import Conversation, Desired, Message

if TYPE_CHECKING:
    from reconciler.manifest.cache import ParsedFiles
    from reconciler.manifest.origins import Origins
    from reconciler.manifest.written import Written

NOTHING_GIVEN: Final = Inputs()


def load(
    paths: Sequence[Path], inputs: Inputs = NOTHING_GIVEN, *, known: ParsedFiles | None = None
) -> Desired:
    """Return what the manifests at *paths* (files or folders) ask for, with what *inputs* give them.

    Files that are *known* are not parsed again.

    Raises ManifestError with every problem of every file, in the order of files and lines, and
    UsageError for a path that cannot be read, a folder without manifests, and inputs that cannot be used.
    """
    with collector_paused():
        return _load(manifest_files(paths), inputs, known)


class _Read(Struct):
    """What the files say one by one; *fresh* are those that were not known."""

    contents: dict[str, FileContent] = {}
    written: list[Written] = []
    problems: dict[str, list[Problem]] = {}
    fresh: list[tuple[bytes, FileContent]] = []  # by the keys of those that are to be known


def _read(files: list[Path], known: ParsedFiles | None) -> _Read:
    read = _Read()
    for file in files:
        path = str(file)
        try:
            data = file.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            read.problems[path] = [Problem(path, 0, 0, f"the file cannot be read: {reason.lower()}")]
            continue
        key = known.key(data, path) if known is not None else b""
        content = known.get(key, path) if known is not None else None
        parsed = _parsed(data, path) if content is None else Parsed(content)
        read.problems[path] = list(parsed.problems)
        read.contents[path] = parsed.content
        if parsed.written is not None:
            read.written.append(parsed.written)
        elif content is None:
            read.fresh.append((key, parsed.content))
    return read


def _load(files: list[Path], inputs: Inputs, known: ParsedFiles | None) -> Desired:
    read = _read(files, known)
    contents, written, problems = read.contents, read.written, read.problems
    found: dict[str, list[Finding]] = {}
    origins: Mapping[str, Origins] = {}
    awaits: tuple[str, ...] = ()
    if written or inputs.assignments or inputs.files or inputs.values:
        from reconciler.manifest.resolve import resolve  # noqa: PLC0415 - only what says more than it seems needs it

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
    return replace(desired, awaits=awaits)


def _parsed(data: bytes, path: str) -> Parsed:
    from reconciler.manifest.parse import parse  # noqa: PLC0415 - pydantic and ruamel.yaml

    return parse(data, path)


def _place(
    found: dict[str, list[Finding]], origins: Mapping[str, Origins], problems: dict[str, list[Problem]]
) -> None:
    """Turn what was *found* into *problems*; the files are read again for the places."""
    from reconciler.manifest.resolve import traced  # noqa: PLC0415 - only mistakes need it
    from reconciler.manifest.source import DataSource, Source  # noqa: PLC0415

    sources: dict[str, Source] = {}

    def source_of(path: str) -> Source:
        if path not in sources:
            kind = Source if path in found else DataSource
            sources[path] = kind(path, Path(path).read_bytes().decode("utf-8-sig"))
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
