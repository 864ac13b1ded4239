"""Load manifests: files in, desired messages out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import ManifestError, Problem
from reconciler.manifest.build.media import with_media_files
from reconciler.manifest.content import FileContent, Parsed
from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.manifest.files import manifest_files
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.limits import Reading, limited
from reconciler.manifest.merge import Merger
from reconciler.manifest.quoted_json import quoted_json
from reconciler.model import Desired
from reconciler.runtime.collector import collector_paused
from reconciler.text.suggestions import few_suggestions

if TYPE_CHECKING:
    from reconciler.manifest.cache import ParsedFiles
    from reconciler.manifest.expansion.source_map import SourceMap
    from reconciler.manifest.unexpanded import Unexpanded

NOTHING_GIVEN: Final = Inputs()


_WORTH_A_PROCESS: Final = 500_000
"""Bytes of manifests for each further process; with fewer, a process costs more time than it saves."""


def load(
    paths: Sequence[Path],
    inputs: Inputs = NOTHING_GIVEN,
    *,
    known: ParsedFiles | None = None,
    processes: int = 0,
) -> Desired:
    """Return what the manifests at *paths* (files or folders) declare, with the values of *inputs*.

    Files in the cache *known* are not parsed again. Many other files are parsed by up to *processes* forked
    processes: pass 0 where this process has threads, or is not ours to fork.

    Raises ManifestError with every problem of every file, in the order of files and lines. Raises UsageError
    for a path that cannot be read, a folder without manifests, and inputs that cannot be used.
    """
    with collector_paused(), few_suggestions(), limited(inputs.limits):
        return _load(manifest_files(paths, inputs.settings_file), inputs, known, processes)


class _Read(Struct):
    """The results for all files, each file by itself."""

    contents: dict[str, FileContent] = {}
    """By path, in the order of files."""
    unexpanded: list[Unexpanded] = []
    problems: dict[str, list[Problem]] = {}
    """By path."""
    fresh: list[tuple[bytes, FileContent]] = []
    """Contents that were not in the cache, with their cache keys."""


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
        read.contents[path] = content or FileContent(path)  # an empty one keeps the order of files
    for path, parsed in _parsed(unknown, processes):
        read.contents[path] = parsed.content
        read.problems[path] += parsed.problems
        if parsed.unexpanded is not None:
            read.unexpanded.append(parsed.unexpanded)
        elif path in keys:
            read.fresh.append((keys[path], parsed.content))
    return read


def _parsed(files: dict[str, bytes], processes: int) -> Iterator[tuple[str, Parsed]]:
    """Yield path and result of each of *files* (bytes by path), in their order."""
    if not files:
        return
    from reconciler.manifest.parse import parse  # noqa: PLC0415 - pydantic-core and ruamel.yaml

    replies: dict[str, Parsed] = {}
    processes = min(processes, sum(map(len, files.values())) // _WORTH_A_PROCESS)
    if processes > 1:
        from reconciler.manifest.workers import read_in_processes  # noqa: PLC0415 - seldom needed

        replies = read_in_processes(files, processes)
    for path, data in files.items():
        yield path, replies.get(path) or parse(data, path)


def _load(files: list[Path], inputs: Inputs, known: ParsedFiles | None, processes: int) -> Desired:
    read = _read(files, known, processes)
    contents, unexpanded, problems = read.contents, read.unexpanded, read.problems
    found: dict[str, list[Finding]] = {}
    source_maps: Mapping[str, SourceMap] = {}
    awaits: tuple[str, ...] = ()
    doubts = tuple(doubt for content in contents.values() for doubt in content.doubts)
    if unexpanded or inputs.assignments or inputs.files or inputs.values or inputs.defaults:
        from reconciler.manifest.expansion.resolve import resolve  # noqa: PLC0415 - only expansion needs it

        plain = (service.name for content in contents.values() for service in content.services)
        resolution = resolve(unexpanded, inputs, plain)
        contents |= resolution.contents
        found, source_maps, awaits = resolution.found, resolution.source_maps, resolution.awaits
    merger = Merger()
    for path, content in contents.items():
        complete, missing = with_media_files(content, _folders(path, source_maps.get(path)))
        found.setdefault(path, []).extend(missing)
        merger.add(complete)
    desired = merger.desired()
    for path, conflicts in merger.found.items():
        found[path] += conflicts
    if any(found.values()):
        _add_problems(found, source_maps, problems)
    if any(problems.values()):
        raise ManifestError(
            tuple(one for path in problems for one in sorted(problems[path], key=_line_and_column))
        )
    if known is not None:
        for key, content in read.fresh:  # not before: faulty manifests leave nothing in the cache
            known.keep(key, content)
    return replace(desired, awaits=awaits, doubts=(*doubts, *quoted_json(desired)))


def _add_problems(
    found: dict[str, list[Finding]], source_maps: Mapping[str, SourceMap], problems: dict[str, list[Problem]]
) -> None:
    """Add what was *found* to *problems*, both by path; the files are read again for the positions."""
    from reconciler.manifest.expansion.resolve import traced  # noqa: PLC0415 - only mistakes need it
    from reconciler.manifest.yaml.source import DataSource, Source  # noqa: PLC0415
    from reconciler.runtime.text_file import decoded  # noqa: PLC0415

    sources: dict[str, Source] = {}

    def source_of(path: str) -> Source:
        if path not in sources:
            kind = Source if path in found or path.lower().endswith(".json") else DataSource  # JSON is YAML
            sources[path] = kind(path, decoded(Path(path).read_bytes()))
        return sources[path]

    for path, findings in found.items():
        for home, finding in traced(path, findings, source_maps):
            problems.setdefault(home, []).append(source_of(home).problem(finding, source_of))


def _line_and_column(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


def _folders(path: str, source_map: SourceMap | None) -> Callable[[Loc], Path]:
    """Return a function from a location in *path* to the folder that paths written there are relative to."""
    if source_map is None:
        return lambda _: Path(path).parent
    return lambda loc: Path(source_map.located(loc)[0]).parent
