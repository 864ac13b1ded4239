"""Check references where they are written, once each, before anything is expanded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal, value_at
from reconciler.manifest.diagnostics.subjects import field_of, noun_of, record_of
from reconciler.manifest.expansion.references import Known, Reference, references
from reconciler.manifest.inputs import NEVER_ALLOWED, is_reserved
from reconciler.manifest.unexpanded import OPENING, Unexpanded
from reconciler.model import HIDEABLE_IN_CONVERSATION, HIDEABLE_IN_MESSAGE
from reconciler.text.suggestions import close_to


class Checker:
    """Checks references against the *variables*, the names of all *services*, and the environment.

    *environ* has the variables in *allowed_env* that are set.
    """

    def __init__(
        self,
        variables: Mapping[str, Known],
        services: Collection[str],
        environ: Mapping[str, str],
        allowed_env: tuple[str, ...],
    ) -> None:
        self.awaits: set[str] = set()
        """Services whose SIDs are referred to."""
        self._variables = variables
        self._services = services
        self._environ = environ
        self._allowed = allowed_env

    def findings(self, file: Unexpanded) -> Iterator[Finding]:
        """Yield what is wrong with the references of *file*."""
        for name, value in file.value.items():
            if name != "variables":
                yield from self._walk(value, (name,), file.value, is_item=name == "templates")

    def _walk(self, value: Any, loc: Loc, root: Any, *, is_item: bool) -> Iterator[Finding]:
        if isinstance(value, str):
            if OPENING in value:
                yield from self._judge(value, loc, root, is_item=is_item)
        elif isinstance(value, dict):
            inside = is_item or "for_each" in value
            for name, child in value.items():
                each = is_item if name == "for_each" else inside
                yield from self._walk(child, (*loc, name), root, is_item=each)
        elif isinstance(value, list):
            for position, child in enumerate(value):
                yield from self._walk(child, (*loc, position), root, is_item=is_item)

    def _judge(self, text: str, loc: Loc, root: Any, *, is_item: bool) -> Iterator[Finding]:
        try:
            for reference in references(text):
                self._check(reference, is_item=is_item)
                if not _may_hide(loc):
                    self._refuse_elsewhere(reference)
        except Refusal as refusal:
            noun = noun_of(loc, value_at(root, record_of(loc)))
            subject = f"`{field_of(loc)}` of {noun}" if record_of(loc) else f"`{field_of(loc)}`"
            yield Finding(loc, f"{subject} {refusal.text}", refusal.hint)

    def _refuse_elsewhere(self, reference: Reference) -> None:
        """Refuse *reference* if its value is sensitive, or is a SID that an apply may be first to know."""
        if reference.path[0] == "service":
            raise Refusal(
                f"refers to `{reference}`, which is known too late for it",
                "refer to it in bodies, authors, subjects, attributes and friendly names of conversations",
            )
        if self.is_sensitive(reference):
            raise Refusal(
                f"refers to `{reference}`, whose value is sensitive, but it is printed and stored",
                "use a variable that is not `sensitive`, and set it with `--var` or RECONCILER_VAR_…",
            )

    def is_sensitive(self, reference: Reference) -> bool:
        """Return whether the value of *reference* must not be shown."""
        root, name = reference.path[:2]
        return root == "env" or (root == "var" and self._variables[name].sensitive)

    def _check(self, reference: Reference, *, is_item: bool) -> None:
        root, name = reference.path[:2]
        if root == "each":
            if not is_item:
                raise Refusal(f"refers to `{reference}` outside of a `for_each`", "add `for_each: …`")
        elif root == "var":
            if name not in self._variables:
                meant = close_to(name, list(self._variables))
                raise Refusal(
                    f"refers to `{reference}`, and no manifest declares a variable `{name}`",
                    f"did you mean `{meant}`?"
                    if meant
                    else f"declare it: `variables: {{{name}: {{type: string}}}}`",
                )
        elif root == "service":
            self.awaits.add(name)
            if name not in self._services:
                meant = close_to(name, list(self._services))
                hint = f"did you mean `{meant}`?" if meant else None
                raise Refusal(f"refers to `{reference}`, and no manifest declares a service `{name}`", hint)
        elif is_reserved(name):
            raise Refusal(f"refers to `{reference}`, but {NEVER_ALLOWED}", "use a variable: `${var.…}`")
        elif name not in self._allowed:
            meant = close_to(name, list(self._allowed))
            hint = f"did you mean `{meant}`?" if meant else f"pass `--allow-env {name}` to allow it"
            raise Refusal(f"refers to `{reference}`, which is not allowed", hint)
        elif name not in self._environ:
            raise Refusal(
                f"refers to `{reference}`, which is not set", f"set the environment variable {name}"
            )


def _may_hide(loc: Loc) -> bool:
    """Return whether the field at *loc* may hold a sensitive value."""
    record = record_of(loc)
    rest = loc[len(record) :]
    if rest[:1] == ("defaults",):
        return rest[1] in HIDEABLE_IN_MESSAGE
    if record[:1] == ("templates",) or record[4:5] == ("messages",):
        return rest[0] in HIDEABLE_IN_MESSAGE
    return record[2:3] == ("conversations",) and not record[4:] and rest[0] in HIDEABLE_IN_CONVERSATION
