"""Read the settings file: every mistake of it is an error with its place, and then nothing else is done."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Final

from pydantic_core import ErrorDetails, SchemaValidator, ValidationError

from reconciler.cli.settings.places import misplaced
from reconciler.cli.settings.schema import BRANCHES, ENVIRONMENT, SETTINGS
from reconciler.cli.settings.sentences import wrong_setting
from reconciler.errors import ManifestError, Problem, UsageError
from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.manifest.yaml.positions import EMPTY
from reconciler.manifest.yaml.source import Source
from reconciler.runtime.regular_file import read_regular
from reconciler.runtime.text_file import NotText, decoded
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut

_MOST: Final = 1_000_000
"""Bytes of a settings file that are read."""
_OF_A_MANIFEST: Final = ("version", "services")
"""Names by which a manifest is recognised in the place of a settings file."""
_ENVIRONMENTS: Final = "environments"


class SettingsFile:
    """A settings file without mistakes, and the places of what it says."""

    def __init__(self, path: Path, source: Source, value: dict[str, Any]) -> None:
        self.path = path
        """The file, as the user named it."""
        self.value = value
        """Its content, as `schema.SETTINGS` has it."""
        self._source = source

    @property
    def environments(self) -> dict[str, dict[str, Any]]:
        """The environments by name, in the order of the file."""
        found: dict[str, dict[str, Any]] = self.value.get(_ENVIRONMENTS, {})
        return found

    def homes(self, environment: str) -> list[tuple[Loc, dict[str, Any]]]:
        """Return the mappings that hold for *environment* (empty: none) and their places; later ones win."""
        homes: list[tuple[Loc, dict[str, Any]]] = [((), self.value)]
        if environment:
            homes.append(((_ENVIRONMENTS, environment), self.environments[environment]))
        return homes

    def position(self, loc: Loc, *, on_key: bool = True) -> tuple[int, int]:
        """Return line and column, both from 1, of the key at *loc*, or else of its value."""
        return self._source.positions.of(loc, on_key=on_key)

    def place(self, loc: Loc, *, on_key: bool = True) -> str:
        """Return `file:line:column` of the key at *loc*, or else of its value."""
        line, column = self.position(loc, on_key=on_key)
        return f"{self.path}:{line}:{column}"


def read_settings(path: Path, *, is_named: bool) -> SettingsFile | None:
    """Return the settings file at *path*, or None if there is none.

    A file that the command line names may be a link, another may not. Raises ManifestError with all mistakes,
    and UsageError if it cannot be read, or is named and not there.
    """
    try:
        data = read_regular(path, follow=is_named, most=_MOST)
    except OSError as error:
        if error.errno == errno.ENOENT and not is_named:
            return None
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"cannot read the settings file `{path}`: {reason}",
            hint="name a file with `--config FILE`; `reconciler init` writes one",
        ) from error
    try:
        source = Source(str(path), decoded(data))
    except NotText as error:
        problem = Problem(str(path), error.line, error.column, f"the file {error.text}", "", error.hint)
        raise _error((problem,)) from error
    problems = _problems(source, path)
    if problems:
        raise _error(tuple(sorted(problems, key=lambda one: (one.line, one.column))))
    return SettingsFile(path, source, source.positions.value or {})


def _problems(source: Source, path: Path) -> list[Problem]:
    positions = source.positions
    root = positions.value
    for name in _OF_A_MANIFEST if isinstance(root, dict) else ():
        if name in root:
            finding = Finding(
                (name,),
                f"`{path}` is a manifest (it has `{name}:`), and this is the place of the settings file",
                "move it into the folder `manifests`, under another name",
                on_key=True,
            )
            return [source.problem(finding, lambda _: source)]
    problems = [
        source.problem_at(fault.position, fault.sentence(str(path)), fault.hint)
        for fault in positions.faults
        if fault.text != EMPTY  # a file with nothing but comments says nothing
    ]
    if problems or root is None:
        return problems
    findings = [*_shape_findings(root), *misplaced(root, path.parent)]
    return [source.problem(finding, lambda _: source) for finding in findings]


def _shape_findings(root: Any) -> list[Finding]:
    try:
        SchemaValidator(SETTINGS.schema).validate_python(root)
    except ValidationError as error:
        return [_finding(one) for one in error.errors(include_url=False)]
    return []


def _finding(detail: ErrorDetails) -> Finding:
    loc: Loc = tuple(part for part in detail["loc"] if part not in BRANCHES)
    if not loc:
        return Finding((), "a settings file is a mapping", "write `name: value` pairs")
    if detail["type"] == "extra_forbidden":
        known = (ENVIRONMENT if loc[0] == _ENVIRONMENTS else SETTINGS).fields
        meant = close_to(str(loc[-1]), known)
        return Finding(
            loc,
            f"{_called(loc)} is no setting",
            f"did you mean `{meant}`?" if meant else f"settings are {', '.join(known)}",
            on_key=True,
        )
    if loc[-1] == "[key]":
        noun = "an environment" if loc[0] == _ENVIRONMENTS else "a variable"
        return Finding(
            loc[:-1],
            f"`{cut(str(loc[-2]))}` cannot be the name of {noun}",
            "use letters, digits, `_` and `-`, starting with a letter",
            on_key=True,
        )
    text, hint = wrong_setting(detail)
    return Finding(loc, f"{_called(loc)} {text}", hint, on_key=detail["input"] is None)


def _called(loc: Loc) -> str:
    """Return the name of the setting at *loc*, with its environment."""
    name, *rest = map(str, loc)
    if name != _ENVIRONMENTS or not rest:
        return f"`{cut(name)}`"
    environment, *inside = rest
    setting = f"`{cut(inside[0])}` of " if inside else ""
    return f"{setting}environment `{environment}`"


def _error(problems: tuple[Problem, ...]) -> ManifestError:
    return ManifestError(problems, "the settings")
