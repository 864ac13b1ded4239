"""Templates: lists of messages that conversations of any manifest can use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from reconciler.manifest.diagnostics.findings import Finding
from reconciler.manifest.unexpanded import Unexpanded


class Template(Struct, frozen=True):
    """One template, as written in *file*."""

    file: Unexpanded
    messages: list[dict[str, Any]]


class Templates:
    """The templates of all *files*."""

    def __init__(self, files: Iterable[Unexpanded]) -> None:
        self.found: dict[str, list[Finding]] = {}
        """By path: templates that are declared twice."""
        self.by_name: dict[str, Template] = {}
        for file in files:
            for name, messages in file.value.get("templates", {}).items():
                first = self.by_name.setdefault(name, Template(file, messages))
                if first.messages is not messages:
                    loc, text = ("templates", name), f"template `{name}` is declared twice; first at"
                    finding = Finding(loc, text, on_key=True, earlier=(first.file.path, loc))
                    self.found.setdefault(file.path, []).append(finding)
