"""Resolve all manifests that need expansion together, as they share variables and templates.

Mistakes are looked for in three steps: in what is written, in the expansion, and in the values built from it.
A step with mistakes is the last one, so that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from reconciler.errors import Problem
from reconciler.manifest.build.services import Builder
from reconciler.manifest.content import FileContent, Parsed
from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.manifest.diagnostics.subjects import field_of, record_of
from reconciler.manifest.expansion.check import Checker
from reconciler.manifest.expansion.expand import Expander
from reconciler.manifest.expansion.references import Scope
from reconciler.manifest.expansion.source_map import Locations, SourceMap
from reconciler.manifest.expansion.templates import Templates
from reconciler.manifest.expansion.variables import Declarations
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.schema.problems import shape_findings
from reconciler.manifest.schema.validators import expanded_validator
from reconciler.manifest.unexpanded import Unexpanded

_CONVERSATION: Final = len(("services", "NAME", "conversations", "NAME"))


@dataclass(slots=True)
class Resolution:
    """The result of resolving manifests. The mappings are by path."""

    contents: dict[str, FileContent] = field(default_factory=dict)
    found: dict[str, list[Finding]] = field(default_factory=dict)
    """What is wrong; locations are those of the expanded manifest if *source_maps* has the path."""
    source_maps: dict[str, SourceMap] = field(default_factory=dict)
    """Empty unless all manifests were expanded."""
    awaits: tuple[str, ...] = ()
    """Services whose SIDs texts refer to."""

    def add(self, found: Mapping[str, Iterable[Finding]]) -> None:
        """Add findings by path."""
        for path, findings in found.items():
            self.found.setdefault(path, []).extend(findings)


def resolve(
    files: Sequence[Unexpanded],
    inputs: Inputs,
    services: Iterable[str] = (),
    *,
    take: Callable[[FileContent, SourceMap], FileContent] | None = None,
) -> Resolution:
    """Return the contents of *files* with the values of *inputs*; *services* are declared in other files.

    With *take*, each file is in memory whole only until that has returned what is kept of its content. There
    are no source maps then.

    Raises UsageError for a flag or environment variable that is wrong, and ManifestError for a file of
    values that is wrong.
    """
    resolution = Resolution()
    declared, templates = Declarations(files), Templates(files)
    values = declared.values(inputs)
    names = {*services, *(name for file in files for name in file.value.get("services", {}))}
    checker = Checker(values, names, inputs.allowed_environ(), inputs.allowed_env)
    resolution.add(declared.found)
    resolution.add(templates.found)
    resolution.add({file.path: list(checker.findings(file)) for file in files})
    if any(resolution.found.values()) or any(file.broken for file in files):
        return resolution
    resolution.awaits = tuple(sorted(checker.awaits))
    scope = Scope(values, inputs.allowed_environ())
    expander = Expander(scope, templates.by_name, Locations(files), checker.is_sensitive)
    if take is not None:
        _expand_singly(files, expander, resolution, take)
        return resolution
    expanded = {file.path: expander.expand(file) for file in files}
    resolution.add(expander.found)
    if not expander.found:
        resolution.source_maps = expanded
        for path, source_map in expanded.items():
            _build(path, source_map, resolution)
    return resolution


def _expand_singly(
    files: Sequence[Unexpanded],
    expander: Expander,
    resolution: Resolution,
    take: Callable[[FileContent, SourceMap], FileContent],
) -> None:
    for file in files:
        source_map = expander.expand(file)
        if not expander.found:
            _build(file.path, source_map, resolution)
            resolution.contents[file.path] = take(resolution.contents[file.path], source_map)
    resolution.add(expander.found)


def _build(path: str, source_map: SourceMap, resolution: Resolution) -> None:
    """Add the content of an expanded file, and what is wrong in it."""
    findings = shape_findings(source_map.value, expanded_validator())
    builder = Builder(path, source_map.line_of, source_map.sensitive_of)
    resolution.contents[path] = builder.content(source_map.value)
    resolution.add({path: findings + builder.found})


def resolve_alone(parsed: Parsed) -> Parsed:
    """Return *parsed* with the content of its expansion, without inputs and other files.

    Problems have no positions.
    """
    if parsed.unexpanded is None or parsed.problems:
        return parsed
    resolution = resolve([parsed.unexpanded], Inputs())
    path = parsed.content.path
    problems = tuple(Problem(path, 0, 0, one.text, hint=one.hint) for one in resolution.found.get(path, ()))
    return Parsed(resolution.contents.get(path, parsed.content), problems)


def traced(
    path: str, findings: Iterable[Finding], source_maps: Mapping[str, SourceMap]
) -> list[tuple[str, Finding]]:
    """Return *findings* about *path* with the files and locations where the wrong values are written.

    A mistake that expansion repeats is returned once.
    """
    if path not in source_maps:
        return [(path, _with_earlier(finding, path, source_maps)) for finding in findings]
    home = source_maps[path]
    first: dict[tuple[str, Loc, bool], Finding] = {}
    others: dict[tuple[str, Loc, bool], int] = {}
    for finding in findings:
        where, loc = home.located(finding.loc)
        place = (where, loc, finding.on_key)
        others[place] = others.get(place, -1) + 1
        if place not in first:
            text, hint = finding.text, finding.hint
            if home.is_sensitive(finding.loc):
                text, hint = f"`{field_of(finding.loc)}` is wrong, and its value is sensitive", None
            if finding.earlier is None:
                text += _instance(finding.loc)
            first[place] = _with_earlier(replace(finding, loc=loc, text=text, hint=hint), where, source_maps)
    return [
        (place[0], finding if not others[place] else replace(finding, text=_repeated(finding, others[place])))
        for place, finding in first.items()
    ]


def _with_earlier(finding: Finding, path: str, source_maps: Mapping[str, SourceMap]) -> Finding:
    """Return *finding*, which is in *path*, with the written location of the value that it conflicts with."""
    if finding.earlier is None or finding.earlier[0] not in source_maps:
        return finding
    earlier = source_maps[finding.earlier[0]].located(finding.earlier[1])
    if earlier == (path, finding.loc):
        text = f"{finding.text.removesuffix('; first at')}: this stands for more than one"
        return replace(finding, text=text, earlier=None)
    return replace(finding, earlier=earlier)


def _instance(loc: Loc) -> str:
    """Return the address of the conversation around *loc*, as a phrase, if a `for_each` made it."""
    is_inside = len(record_of(loc)) > _CONVERSATION and "[" in str(loc[_CONVERSATION - 1])
    return f" (in `{loc[1]}/{loc[3]}`)" if is_inside else ""


def _repeated(finding: Finding, others: int) -> str:
    return f"{finding.text}, and so in {others:,} more" if finding.earlier is None else finding.text
