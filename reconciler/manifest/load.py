"""Load manifests: files in, desired messages out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import ManifestError, Problem
from reconciler.manifest.build.media import with_media_files
from reconciler.manifest.content import FileContent
from reconciler.manifest.diagnostics.findings import Finding
from reconciler.manifest.files import manifest_files
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.limits import Reading, limited
from reconciler.manifest.merge import Merger
from reconciler.manifest.quoted_json import quoted_json
from reconciler.manifest.taken import folders_of, parsed_files
from reconciler.model import Desired
from reconciler.runtime.collector import collector_paused
from reconciler.text.suggestions import few_suggestions

if TYPE_CHECKING:
    from reconciler.manifest.expansion.source_map import SourceMap
    from reconciler.manifest.kept import Known
    from reconciler.manifest.unexpanded import Unexpanded
    from reconciler.model.shard import Shard

NOTHING_GIVEN: Final = Inputs()


def load(
    paths: Sequence[Path],
    inputs: Inputs = NOTHING_GIVEN,
    *,
    known: Known | None = None,
    processes: int = 0,
    shard: Shard | None = None,
) -> Desired:
    """Return what the manifests at *paths* (files or folders) declare, with the values of *inputs*.

    With *shard*, that is cut to the conversations of this part, and needs memory for little more: what
    belongs to others is dropped as soon as its file is read. What is wrong in any file is found all the same.

    Files in the cache *known* are not parsed again. Many other files are parsed by up to *processes* forked
    processes: pass 0 where this process has threads, or is not ours to fork.

    Raises ManifestError with every problem of every file, in the order of files and lines. Raises UsageError
    for a path that cannot be read, a folder without manifests, and inputs that cannot be used.
    """
    with collector_paused(), few_suggestions(), limited(inputs.limits):
        files = manifest_files(paths, inputs.settings_file)
        if shard is None:
            return _load(files, inputs, known, processes)
        from reconciler.manifest.part import load_part  # noqa: PLC0415 - only a part needs it
        from reconciler.model.cut import part_of_desired  # noqa: PLC0415

        part = load_part(files, inputs, known, processes, shard)
        return part or part_of_desired(_load(files, inputs, known, processes), shard.has)


class _Read(Struct):
    """The results for all files, each file by itself."""

    contents: dict[str, FileContent] = {}
    """By path, in the order of files."""
    unexpanded: list[Unexpanded] = []
    problems: dict[str, list[Problem]] = {}
    """By path."""
    fresh: list[tuple[bytes, FileContent]] = []
    """Contents that were not in the cache, with their cache keys."""


def _read(files: list[Path], known: Known | None, processes: int) -> _Read:
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
    for path, parsed in parsed_files(unknown, processes):
        read.contents[path] = parsed.content
        read.problems[path] += parsed.problems
        if parsed.unexpanded is not None:
            read.unexpanded.append(parsed.unexpanded)
        elif path in keys:
            read.fresh.append((keys[path], parsed.content))
    return read


def _load(files: list[Path], inputs: Inputs, known: Known | None, processes: int) -> Desired:
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
        complete, missing = with_media_files(content, folders_of(path, source_maps.get(path)))
        found.setdefault(path, []).extend(missing)
        merger.add(complete)
    desired = merger.desired()
    for path, conflicts in merger.found.items():
        found[path] += conflicts
    if any(found.values()):
        _add_problems(found, source_maps, problems, contents)
    if any(problems.values()):
        raise ManifestError(
            tuple(one for path in problems for one in sorted(problems[path], key=_line_and_column))
        )
    if known is not None:
        for key, content in read.fresh:  # not before: faulty manifests leave nothing in the cache
            known.keep(key, content)
    return replace(desired, awaits=awaits, doubts=(*doubts, *quoted_json(desired)))


def _add_problems(
    found: dict[str, list[Finding]],
    source_maps: Mapping[str, SourceMap],
    problems: dict[str, list[Problem]],
    manifests: Collection[str],
) -> None:
    """Add what was *found* to *problems*, both by path; the files are read again for the positions.

    All of them but *manifests* are files of data.
    """
    from reconciler.manifest.expansion.resolve import traced  # noqa: PLC0415 - only mistakes need it
    from reconciler.manifest.yaml.source import DataSource, Source  # noqa: PLC0415
    from reconciler.runtime.text_file import decoded  # noqa: PLC0415

    sources: dict[str, Source] = {}

    def source_of(path: str) -> Source:
        if path not in sources:
            kind = (
                Source if path in manifests or path.lower().endswith(".json") else DataSource
            )  # JSON is YAML
            sources[path] = kind(path, decoded(Path(path).read_bytes()))
        return sources[path]

    for path, findings in found.items():
        for home, finding in traced(path, findings, source_maps):
            problems.setdefault(home, []).append(source_of(home).problem(finding, source_of))


def _line_and_column(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column
