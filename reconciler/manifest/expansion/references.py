"""References inside texts: `${var.name}`, `${env.NAME}`, `${each.value.field}`, `${service.name.sid}`.

A reference is a path and nothing else: no operators, no functions. `$${` is the escape for the text `${`.
The value of a reference is never searched for references, so data cannot refer to anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from reconciler.manifest.diagnostics.findings import Refusal
from reconciler.manifest.unexpanded import OPENING
from reconciler.model.sids import sid_placeholder
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut, one_of

ROOTS: Final = ("var", "env", "each", "service")


_PIECE: Final = re.compile(r"\$\$\{|\$\{(?P<path>[^{}]*)\}|\$\{")


_FORMS: Final = "`${var.NAME}`, `${env.NAME}`, `${each.key}`, `${each.value.FIELD}` and `${service.NAME.sid}`"


class Reference(Struct, frozen=True):
    """One `${…}`."""

    path: tuple[str, ...]
    """The names between its dots."""

    def __str__(self) -> str:
        return f"${{{'.'.join(self.path)}}}"


class Known(Struct, frozen=True):
    """A value that can be referred to."""

    value: Any
    sensitive: bool = False
    """Whether the value must never be shown."""


class Scope(Struct, frozen=True):
    """The values of references, for one item of a `for_each` or outside of any."""

    variables: Mapping[str, Known]
    environ: Mapping[str, str]
    each: Mapping[str, Any] | None = None
    """`key` and `value` of the item of the innermost `for_each`; None outside of any."""

    def within(self, key: str, value: Any) -> Scope:
        """Return the scope for one item of a `for_each`."""
        return Scope(self.variables, self.environ, {"key": key, "value": value})

    def known(self, reference: Reference) -> Known:
        """Return the value of *reference*; raises Refusal, which names the reference."""
        root, *rest = reference.path
        if root == "env":
            return Known(self.environ[rest[0]], sensitive=True)
        if root == "each":
            if self.each is None:
                raise Refusal(f"refers to `{reference}` outside of a `for_each`", "add `for_each: …`")
            return Known(_inside(reference, self.each, rest, done=1))
        if root == "service":
            return Known(sid_placeholder(rest[0]))
        found = self.variables[rest[0]]
        try:
            return Known(_inside(reference, found.value, rest[1:], done=2), found.sensitive)
        except Refusal as refusal:
            raise Refusal(refusal.text, None if found.sensitive else refusal.hint) from refusal


@lru_cache(maxsize=4096)
def pieces(text: str) -> tuple[str | Reference, ...]:
    """Split *text* into texts and references; raises Refusal where `${` starts no reference."""
    found: list[str | Reference] = []
    end = 0
    for match in _PIECE.finditer(text):
        found.append(text[end : match.start()])
        end = match.end()
        found.append(OPENING if match[0] == "$${" else _reference(match["path"], text[match.start() :]))
    found.append(text[end:])
    return tuple(piece for piece in found if piece != "")


def resolved(text: str, scope: Scope, *, as_text: bool) -> Any:
    """Return *text* with its references replaced.

    A text that is just one reference becomes its value, of any type; with *as_text*, the text of its value.
    Raises Refusal.
    """
    found = pieces(text)
    if len(found) == 1 and isinstance(found[0], Reference) and not as_text:
        return scope.known(found[0]).value
    return "".join(
        piece if isinstance(piece, str) else _written(piece, scope.known(piece).value) for piece in found
    )


def references(text: str) -> tuple[Reference, ...]:
    """Return the references of *text*; raises Refusal where `${` starts no reference."""
    return tuple(piece for piece in pieces(text) if isinstance(piece, Reference))


def escaped(text: str) -> str:
    """Return *text* with each `${` escaped, so that expansion gives *text* again."""
    return text.replace(OPENING, "$${")


def _reference(path: str | None, rest: str) -> Reference:
    if path is None:
        raise Refusal(
            f"has a `${{` that starts no reference: `{cut(rest)}`",
            "to write `${` itself, double the `$`: `$${`",
        )
    parts = tuple(part.strip() for part in path.split("."))
    root = parts[0]
    if root not in ROOTS:
        meant = close_to(root, ROOTS)
        hint = f"did you mean `${{{'.'.join((meant, *parts[1:]))}}}`?" if meant else f"there are {_FORMS}"
        raise Refusal(f"refers to `${{{cut(path)}}}`, which is no reference", hint)
    if len(parts) == 1 or not all(parts):
        raise Refusal(f"refers to `${{{cut(path)}}}`, which lacks a name", f"there are {_FORMS}")
    if root == "env" and len(parts) > 2:  # noqa: PLR2004 - root and name
        raise Refusal(f"refers to `${{{cut(path)}}}`, but an environment variable has no fields", None)
    if root == "each" and parts[1] not in {"key", "value"}:
        raise Refusal(
            f"refers to `${{{cut(path)}}}`, but an item has a key and a value only",
            f"did you mean `${{each.value.{'.'.join(parts[1:])}}}`?",
        )
    if root == "service":
        if len(parts) == 2 or parts[-1] != "sid":  # noqa: PLR2004 - root and name
            raise Refusal(
                f"refers to `${{{cut(path)}}}`, but only the `sid` of a service is known",
                f"there are {_FORMS}",
            )
        return Reference((root, ".".join(parts[1:-1]), "sid"))
    return Reference(parts)


def _inside(reference: Reference, value: Any, path: list[str], *, done: int) -> Any:
    """Return the value at *path* inside *value*; *done* parts of *reference* come before *path*."""
    for at, part in enumerate(path):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            names = list(value) if isinstance(value, Mapping) else []
            meant = close_to(part, [name for name in names if isinstance(name, str)])
            hint = f"did you mean `{meant}`?" if meant else f"it has {one_of(names)}" if names else None
            holder = ".".join(reference.path[: done + at])
            raise Refusal(f"refers to `{reference}`, but `{holder}` has no `{cut(part)}`", hint)
    return value


def _written(reference: Reference, value: Any) -> str:
    """Return the *value* of *reference* as a part of a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    what = "nothing" if value is None else "a list" if isinstance(value, list) else "a mapping"
    raise Refusal(
        f"refers to `{reference}`, which is {what}, and a text is needed", "refer to a single value"
    )
