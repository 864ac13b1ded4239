"""Find every mistake of one faulty file, and give each a sentence and a position."""

from __future__ import annotations

from reconciler.errors import Problem
from reconciler.manifest.build.services import Builder
from reconciler.manifest.content import FileContent, Parsed
from reconciler.manifest.schema.problems import shape_findings
from reconciler.manifest.unexpanded import OPENING, Unexpanded, needs_expansion
from reconciler.manifest.yaml.source import Source
from reconciler.runtime.text_file import NotText, decoded


def diagnose(data: bytes, path: str) -> Parsed:
    """Return every problem of the faulty manifest *data*, and the content of its sound parts."""
    try:
        text = decoded(data)
    except NotText as error:
        problem = Problem(
            path, error.line, error.column, f"the file {error.text}", error.start, error.hint, error.column
        )
        return Parsed(FileContent(path), (problem,))
    source = Source(path, text)
    positions = source.positions
    root = positions.value
    problems = [
        source.problem_at(fault.position, fault.sentence(path), fault.hint) for fault in positions.faults
    ]
    if root is None:
        return Parsed(FileContent(path), tuple(problems))
    findings = shape_findings(root, written=positions.plain | positions.comments)
    if not isinstance(root, dict):
        root = {}
    content, unexpanded = FileContent(path), None
    if needs_expansion(root, refers=OPENING in text):
        unexpanded = Unexpanded(path, root, _no_line, broken=True)
    else:
        builder = Builder(path, _no_line)
        content = builder.content(root)
        findings += builder.found
    # the YAML reader put other values in place of unreadable ones: their findings would mislead
    unreadable = {fault.position for fault in positions.faults}
    problems += [
        source.problem(finding, lambda _: source)
        for finding in findings
        if unreadable.isdisjoint((positions.of(finding.loc), positions.of(finding.loc, on_key=True)))
    ]
    return Parsed(content, tuple(sorted(problems, key=lambda one: (one.line, one.column))), unexpanded)


def _no_line(_: object) -> int:
    """Return 0: the values of a faulty file are never used, so they need no lines."""
    return 0
