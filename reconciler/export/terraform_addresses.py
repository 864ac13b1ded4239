"""Addresses in Terraform: written as `terraform state rm` takes them, and as keys that people can read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from reconciler.export.names import LONGEST

_QUOTED: Final = r'"((?:[^"\\]|\\.)*)"'
_STEP: Final = re.compile(rf"module\.([\w-]+)(?:\[(?:{_QUOTED}|(\d+))\])?(?:\.|\Z)")
"""One module of a path: its name, and its key or number."""
_NAME: Final = re.compile(r"[\w-]+")
_ESCAPES: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}


def is_address(module: str, name: str) -> bool:
    """Return whether Terraform can have a resource *name* in *module*, which is empty for the root."""
    return _NAME.fullmatch(name) is not None and (
        not module or sum(map(len, _matched(module))) == len(module)
    )


def address_of(module: str, resource: str, name: str, index: str | int | None) -> str:
    """Return the address of an instance of the type *resource*, as Terraform writes it."""
    address = ".".join(filter(None, (module, resource, name)))
    if index is None:
        return address
    return f"{address}[{index if isinstance(index, int) else _hcl(index)}]"


def key_of(module: str, name: str, index: str | int | None) -> str:
    """Return a key that resembles the address: `desk-eu.welcome-0` in the module `module.desk["eu"]`.

    Of a path that is too long, the outer modules are left out.
    """
    steps = ["-".join(filter(None, match.groups())) for match in _STEP.finditer(module)]
    last = name if index is None else f"{name}-{index}"
    while steps and len(".".join((*steps, last))) > LONGEST:
        del steps[0]
    return ".".join((*steps, last))


def removal(address: str) -> str:
    """Return the command for a shell that makes Terraform forget *address*, and nothing else."""
    return f"terraform state rm {shlex.quote(address)}"


def _matched(module: str) -> Iterator[str]:
    at = 0
    while match := _STEP.match(module, at):
        yield match[0]
        at = match.end()


def _hcl(text: str) -> str:
    """Return *text* in quotes, as in Terraform's language."""
    safe = "".join(
        _ESCAPES.get(one)
        or (
            one if one.isprintable() else rf"\u{ord(one):04x}" if ord(one) < 1 << 16 else rf"\U{ord(one):08x}"
        )
        for one in text
    )
    return '"' + safe.replace("${", "$${").replace("%{", "%%{") + '"'
