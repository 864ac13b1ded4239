"""One faulty file: what is wrong with it, from top to bottom, in sentences with their places."""

from __future__ import annotations

from reconciler.errors import Problem
from reconciler.manifest.build.services import Builder
from reconciler.manifest.content import OPENING, FileContent, Parsed, Written, says_more
from reconciler.manifest.schema.problems import shape_findings
from reconciler.manifest.yaml.source import Source
from reconciler.runtime.text_file import NotText, decoded


def diagnose(data: bytes, path: str) -> Parsed:
    """Return every problem of the faulty manifest *data*, and what can be made out of the rest."""
    try:
        text = decoded(data)
    except NotText as error:
        problem = Problem(path, error.line, error.column, f"the file {error.text}", error.start, error.hint)
        return Parsed(FileContent(path), (problem,))
    source = Source(path, text)
    places = source.places
    root = places.value
    problems = []
    for fault in places.faults:
        earlier = f" {path}:{fault.earlier.line}:{fault.earlier.column}" if fault.earlier else ""
        problems.append(source.problem_at(fault.place, fault.text + earlier, fault.hint))
    if root is None:
        return Parsed(FileContent(path), tuple(problems))
    findings = shape_findings(root, plain=places.plain)
    if not isinstance(root, dict):
        root = {}
    content, written = FileContent(path), None
    if says_more(root, refers=OPENING in text):
        written = Written(path, root, _no_line, broken=True)
    else:
        builder = Builder(path, _no_line)
        content = builder.content(root)
        findings += builder.found
    # what cannot be read was built as something else, which has no mistakes worth telling
    unreadable = {fault.place for fault in places.faults}
    problems += [
        source.problem(finding, lambda _: source)
        for finding in findings
        if unreadable.isdisjoint((places.of(finding.loc), places.of(finding.loc, on_key=True)))
    ]
    return Parsed(content, tuple(sorted(problems, key=lambda one: (one.line, one.column))), written)


def _no_line(_: object) -> int:
    """Return no line: a faulty file only needs places for its problems."""
    return 0
