"""Variables: the declarations in manifests, and the values that a run gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from reconciler.errors import ManifestError, Problem, UsageError
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.manifest.diagnostics.wording import as_text, described
from reconciler.manifest.expansion.references import Known, pieces
from reconciler.manifest.inputs import TAKEN, VARIABLE_PREFIX, Given, Inputs
from reconciler.manifest.limits import Reading
from reconciler.manifest.unexpanded import Unexpanded
from reconciler.manifest.yaml.reader import Irregular, read
from reconciler.manifest.yaml.scalars import NoJsonNumber, plain_value
from reconciler.runtime.text_file import NotText, decoded
from reconciler.text.suggestions import close_to

_KINDS: Final[dict[str, tuple[tuple[type, ...], str, str]]] = {
    "string": ((str,), "a text", "Ann"),
    "number": ((int, float), "a number", "3"),
    "bool": ((bool,), "`true` or `false`", "true"),
    "list": ((list,), "a list", "[a, b]"),
    "map": ((dict,), "a mapping", "{a: 1}"),
}
"""By the name of a type: its Python types, its noun, and an example."""


_FAULTY: Final = object()
"""The default of a declaration whose default is wrong, which was reported."""


class Variable(Struct, frozen=True):
    """One declaration."""

    name: str
    kind: str
    """The name of its type."""
    default: Any
    """None where there is none."""
    sensitive: bool
    path: str
    loc: Loc
    """Path and location of the declaration."""
    broken: bool = False
    """Whether its file has mistakes; then a missing value is not reported."""


class Declarations:
    """The variables that *files* declare."""

    def __init__(self, files: Iterable[Unexpanded]) -> None:
        self.found: dict[str, list[Finding]] = {}
        """By path: what is wrong with the declarations."""
        self.variables: dict[str, Variable] = {}
        """By name."""
        for file in files:
            for name, fields in file.value.get("variables", {}).items():
                self._declare(file, name, fields)

    def values(self, inputs: Inputs) -> dict[str, Known]:
        """Return the value of each variable by name; add variables without a value to *found*.

        Raises UsageError for a flag or environment variable with a wrong value, and ManifestError for a file
        with wrong values.
        """
        given = self._given(inputs)
        for name, variable in self.variables.items():
            if name not in given and not variable.broken:
                hint = f"set {VARIABLE_PREFIX}{name}, or pass `--var-file FILE`"
                if not variable.sensitive:
                    hint = f"pass `--var {name}=…`, or give it a `default`"
                self._add(variable.path, variable.loc, f"variable `{name}` has no value", hint, on_key=True)
        return {name: Known(given.get(name), one.sensitive) for name, one in self.variables.items()}

    def _given(self, inputs: Inputs) -> dict[str, Any]:
        given = {name: one.default for name, one in self.variables.items() if one.default is not None}
        for layer in inputs.defaults:
            values = self._read_file(layer, "var_files:") if isinstance(layer, Path) else self._checked(layer)
            _merge(given, values)
        for name, variable in self.variables.items():
            text = inputs.environ.get(f"{VARIABLE_PREFIX}{name}")
            if text is not None:
                _merge(given, {name: _read_text(text, variable, f"{VARIABLE_PREFIX}{name}")})
        for path in inputs.files:
            _merge(given, self._read_file(path, "--var-file"))
        for assignment in inputs.assignments:
            name, separator, text = assignment.partition("=")
            if not separator:
                raise UsageError("`--var` needs a name and a value", hint="write `--var NAME=VALUE`")
            if name not in self.variables:
                unknown, hint = self._unknown(name)
                raise UsageError(f"`--var {name}=…`: {unknown}", hint=hint)
            _merge(given, {name: _read_text(text, self.variables[name], f"--var {name}")})
        for name, value in inputs.values.items():
            if (wrong := self._wrong(name, value)) is not None:
                raise UsageError(wrong[0], hint=wrong[1])
            _merge(given, {name: value})
        return given

    def _declare(self, file: Unexpanded, name: str, fields: dict[str, Any]) -> None:
        path, loc = file.path, ("variables", name)
        if name in self.variables:
            first = self.variables[name]
            text = f"variable `{name}` is declared twice; first at"
            self._add(path, loc, text, None, on_key=True, earlier=(first.path, first.loc))
            return
        if name == TAKEN:
            text = (
                f"`{name}` cannot be the name of a variable: {VARIABLE_PREFIX}{name} stands for `--var-file`"
            )
            self._add(path, loc, text, "choose another name", on_key=True)
        default = fields.get("default")
        kind = fields.get("type") or _kind_of(default)
        sensitive = fields.get("sensitive", False)
        try:
            default = _literal(default)
            if default is not None:
                _check(default, kind, sensitive=sensitive)
        except Refusal as refusal:
            text = f"`default` of variable `{name}` {refusal.text}"
            number = as_text(default) if isinstance(default, int | float) and not sensitive else None
            finding = Finding((*loc, "default"), text, refusal.hint, without_line=sensitive, number=number)
            self.found.setdefault(path, []).append(finding)
            default = _FAULTY
        self.variables[name] = Variable(name, kind, default, sensitive, path, loc, file.broken)

    def _read_file(self, path: Path, called: str) -> Mapping[str, Any]:
        """Return the values in a YAML or JSON file; raises UsageError or ManifestError.

        *called* is what names the file, for errors.

        No problem shows its line, as such files hold secrets.
        """
        from reconciler.manifest.yaml.positions import EMPTY, read_closely  # noqa: PLC0415 - seldom needed

        try:
            text = decoded(Reading().read(path))
        except OSError as error:
            raise UsageError(
                f"cannot read `{called} {path}`: {(error.strerror or str(error)).lower()}"
            ) from error
        except NotText as error:
            problem = Problem(str(path), error.line, error.column, f"the file {error.text}", "", error.hint)
            raise ManifestError((problem,)) from error
        positions = read_closely(text)
        faults = [fault.without_value() for fault in positions.faults if fault.text != EMPTY]
        problems = [
            Problem(str(path), *one.position, one.sentence(str(path)), hint=one.hint) for one in faults
        ]
        if not problems and not isinstance(positions.value, dict):
            what = "the file holds no value" if positions.value is None else "a file of values is a mapping"
            problems.append(Problem(str(path), 1, 1, what, hint="write `name: value` pairs"))
        if problems:
            raise ManifestError(tuple(problems))
        places = {name: positions.of((name,), on_key=name not in self.variables) for name in positions.value}
        return self._checked(Given(str(path), positions.value, places))

    def _checked(self, given: Given) -> Mapping[str, Any]:
        """Return the values *given*; raises ManifestError, which shows none of them."""
        problems = [
            Problem(given.path, *given.positions[name], wrong[0], hint=wrong[1])
            for name, value in given.values.items()
            if (wrong := self._wrong(name, value)) is not None
        ]
        if problems:
            raise ManifestError(tuple(problems))
        return given.values

    def _wrong(self, name: str, value: Any) -> tuple[str, str | None] | None:
        if name not in self.variables:
            return self._unknown(name)
        kind = self.variables[name].kind
        if _is(value, kind):
            return None
        is_scalar = isinstance(value, int | float)
        return (
            f"the value of variable `{name}` must be {_KINDS[kind][1]}",
            "put it in quotes" if kind == "string" and is_scalar else None,
        )

    def _unknown(self, name: str) -> tuple[str, str]:
        meant = close_to(name, list(self.variables))
        if meant:
            return f"no manifest declares a variable `{name}`", f"did you mean `{meant}`?"
        return (
            f"no manifest declares a variable `{name}`",
            f"declare it: `variables: {{{name}: {{type: string}}}}`",
        )

    def _add(
        self,
        path: str,
        loc: Loc,
        text: str,
        hint: str | None,
        *,
        on_key: bool = False,
        earlier: tuple[str, Loc] | None = None,
    ) -> None:
        self.found.setdefault(path, []).append(Finding(loc, text, hint, on_key, earlier))


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Put *values* into *into*: mappings are merged by key, other values replaced."""
    for name, value in values.items():
        before = into.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            into[name] = dict(before)  # the value of a file or a default stays as it is
            _merge(into[name], value)
        else:
            into[name] = value


def _kind_of(default: Any) -> str:
    """Return the name of the type that *default* has; "string" where there is no default."""
    return next((kind for kind in _KINDS if _is(default, kind)), "string")


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind][0]) and (kind == "bool" or not isinstance(value, bool))


def _check(default: Any, kind: str, *, sensitive: bool) -> None:
    if not _is(default, kind):
        shown = "" if sensitive else f", not {described(default)}"
        raise Refusal(f"must be {_KINDS[kind][1]}{shown}", "change `type` or `default`")


def _literal(value: Any) -> Any:
    """Return *value* with its escapes `$${` resolved; raises Refusal if it holds a reference."""
    if isinstance(value, str):
        found = pieces(value)
        for piece in found:
            if not isinstance(piece, str):
                raise Refusal(f"refers to `{piece}`, but a default stands for itself", "write the value")
        return "".join(piece for piece in found if isinstance(piece, str))
    if isinstance(value, dict):
        return {name: _literal(item) for name, item in value.items()}
    return [_literal(item) for item in value] if isinstance(value, list) else value


def _read_text(text: str, variable: Variable, source: str) -> Any:
    """Return *text* as a value of the type of *variable*; raises UsageError, which names only *source*."""
    kind = variable.kind
    try:
        if kind == "string":
            value: Any = text
        elif kind in {"number", "bool"}:
            value = plain_value(text)
        else:
            value = read(text).value
    except NoJsonNumber:
        value = None
    except Irregular as error:
        if not variable.sensitive and (fault := _fault_of(text)) is not None:
            raise UsageError(f"the value of `{source}` cannot be read: {fault[0]}", hint=fault[1]) from error
        value = None
    if "\0" in text or not _is(value, kind):
        _, noun, example = _KINDS[kind]
        raise UsageError(f"the value of `{source}` must be {noun}", hint=f"such as `{example}`")
    return value


def _fault_of(text: str) -> tuple[str, str | None] | None:
    """Return what is wrong with the YAML *text*, without its values, and a hint; None if it is empty."""
    from reconciler.manifest.yaml.positions import EMPTY, read_closely  # noqa: PLC0415 - seldom needed

    faults = (one.without_value() for one in read_closely(text).faults if one.text != EMPTY)
    return next(((one.text.removesuffix("; first at"), one.hint) for one in faults), None)
