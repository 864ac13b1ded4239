"""Files to the desired world; all problems of all files are collected, then raised once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from reconciler.errors import ManifestError, Problem
from reconciler.manifest.collector import collector_paused
from reconciler.manifest.content import FileContent
from reconciler.manifest.files import manifest_files
from reconciler.manifest.findings import Finding, Loc, Refusal
from reconciler.manifest.media import look_at, size_limit
from reconciler.manifest.merge import Merger
from reconciler.manifest.parse import parse
from reconciler.model import Conversation, Desired, Message


def load(paths: Sequence[Path]) -> Desired:
    """Return what the manifests at *paths* (files or folders) ask for.

    Raises ManifestError with every problem of every file, in the order of files and lines, and
    UsageError for a path that cannot be read and a folder without manifests.
    """
    with collector_paused():
        return _load(manifest_files(paths))


def _load(files: list[Path]) -> Desired:
    merger = Merger()
    problems: dict[str, list[Problem]] = {}
    found: dict[str, list[Finding]] = {}
    for file in files:
        path = str(file)
        try:
            data = file.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            problems[path] = [Problem(path, 0, 0, f"the file cannot be read: {reason.lower()}")]
            continue
        parsed = parse(data, path)
        problems[path] = list(parsed.problems)
        content, found[path] = _with_media(parsed.content, file.parent)
        merger.add(content)
    desired = merger.desired()
    for path, conflicts in merger.found.items():
        found[path] += conflicts
    if any(found.values()):
        _place(found, problems)
    if any(problems.values()):
        raise ManifestError(
            tuple(one for path in problems for one in sorted(problems[path], key=_line_and_column))
        )
    return desired


def _place(found: dict[str, list[Finding]], problems: dict[str, list[Problem]]) -> None:
    """Turn what was *found* into *problems*; the files are read again for the places."""
    from reconciler.manifest.source import Source  # noqa: PLC0415 - only mistakes need it

    sources: dict[str, Source] = {}

    def source_of(path: str) -> Source:
        if path not in sources:
            sources[path] = Source(path, Path(path).read_bytes().decode("utf-8-sig"))
        return sources[path]

    for path, findings in found.items():
        problems[path] += [source_of(path).problem(finding, source_of) for finding in findings]


def _line_and_column(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


def _with_media(content: FileContent, folder: Path) -> tuple[FileContent, list[Finding]]:
    """Return *content* with its media files looked at, and what is wrong with them."""
    found: list[Finding] = []
    services = []
    for service in content.services:
        conversations = []
        for conversation in service.conversations:
            if any(message.file for message in conversation.messages):
                loc: Loc = ("services", service.name, "conversations", conversation.name, "messages")
                conversations.append(_look_at_files(conversation, folder, loc, found))
            else:
                conversations.append(conversation)
        services.append(replace(service, conversations=tuple(conversations)))
    return replace(content, services=tuple(services)), found


def _look_at_files(conversation: Conversation, folder: Path, loc: Loc, found: list[Finding]) -> Conversation:
    limit = size_limit(conversation)
    messages: list[Message] = []
    for position, message in enumerate(conversation.messages):
        looked_at = message
        if message.file is not None and message.file.path:
            try:
                file = look_at(message.file, folder, limit)
                looked_at = replace(message, file=file, media=file.sha256)
            except Refusal as refusal:
                text = f"`media` of message `{message.key}` {refusal.text}"
                found.append(Finding((*loc, position, "media", "file"), text, refusal.hint))
        messages.append(looked_at)
    return replace(conversation, messages=tuple(messages))
