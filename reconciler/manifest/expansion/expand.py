"""Expand a manifest: resolve references, fill in defaults, and copy templates and the items of for_each.

The result has the shape of a manifest that needs no expansion, and is checked like one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reconciler.manifest.diagnostics.findings import FileRefusal, Finding, Loc, Refusal
from reconciler.manifest.diagnostics.subjects import field_of, noun_of, record_of
from reconciler.manifest.expansion.for_each import Items
from reconciler.manifest.expansion.marks import Marks
from reconciler.manifest.expansion.references import Reference, Scope, resolved
from reconciler.manifest.expansion.source_map import Locations, SourceMap
from reconciler.manifest.expansion.templates import Template
from reconciler.manifest.expansion.transcripts import read_transcript
from reconciler.manifest.limits import limits
from reconciler.manifest.unexpanded import Unexpanded
from reconciler.text.suggestions import close_to

_OF_MESSAGES: Final = ("author", "attributes", "subject", "webhooks", "lifecycle")
_OF_CONVERSATIONS: Final = ("order", "unmanaged", "messaging_service_sid", "timers", "timeline")
"""Fields that `defaults` can give."""


_AS_JSON: Final = frozenset(("attributes",))
"""Fields where a text that is one reference becomes its value, of any type."""


_DIRECTIVES: Final = frozenset(("for_each", "defaults"))


Defaults = tuple[dict[str, Any], ...]
"""The `defaults` of a conversation, its service and its file, as far as given."""


class Expander:
    """Expands the files of one run. *is_sensitive* tells which references must never be shown."""

    def __init__(
        self,
        scope: Scope,
        templates: Mapping[str, Template],
        locations: Locations,
        is_sensitive: Callable[[Reference], bool],
    ) -> None:
        self.found: dict[str, list[Finding]] = {}
        """By path: what is wrong, each mistake once, at the location where it is written."""
        self.scope = scope
        self.templates = templates
        self.locations = locations
        self.items = Items()
        self.marks = Marks(is_sensitive)
        self._reported: set[tuple[str, Loc, str]] = set()
        """By path, location and, in a file of data, the text: what was found already."""
        self._messages = 0

    def expand(self, file: Unexpanded) -> SourceMap:
        """Return the expanded value of *file*, with the map back to what is written."""
        work = _Expansion(self, file)
        work.source_map.value = work.manifest()
        return work.source_map

    def refuse(self, holder: object, field: str | int, refusal: Refusal, scope: Scope) -> None:
        """Add what is wrong with *field* of the written mapping or list *holder* to *found*."""
        if isinstance(refusal, FileRefusal):
            self._refuse_in_file(refusal)
            return
        path, base = self.locations.of(holder) or ("", ())
        loc = (*base, field)
        if (path, loc, "") in self._reported:
            return
        self._reported.add((path, loc, ""))
        subject = f"`{field_of(loc)}`"
        if record := record_of(loc):
            subject = f"{subject} of {noun_of(loc, self.locations.value(path, record))}"
        item = f" (item `{scope.each['key']}`)" if scope.each is not None else ""
        finding = Finding(loc, f"{subject} {refusal.text}{item}", refusal.hint)
        self.found.setdefault(path, []).append(finding)

    def _refuse_in_file(self, refusal: FileRefusal) -> None:
        """Add what is wrong in a file of data, once for all that use it."""
        for finding in refusal.findings:
            if (mistake := (refusal.path, finding.loc, finding.text)) not in self._reported:
                self._reported.add(mistake)
                self.found.setdefault(refusal.path, []).append(finding)

    @property
    def is_full(self) -> bool:
        """Whether more messages were made than the limit allows; then no more are made."""
        return self._messages > limits().messages

    def count(self) -> None:
        """Count one more message that is made."""
        self._messages += 1


class _Expansion:
    """The expansion of one file."""

    def __init__(self, shared: Expander, file: Unexpanded) -> None:
        self.source_map = SourceMap(file, shared.locations)
        self._shared = shared
        self._file = file
        self._folder = Path(file.path).parent

    def manifest(self) -> dict[str, Any]:
        root, scope = self._file.value, self._shared.scope
        made = {
            name: self._resolve(root, name, scope)
            for name in root
            if name not in {"variables", "defaults", "templates", "services"}
        }
        self.source_map.note(made, root)
        if "services" in root:
            outer = (root["defaults"],) if "defaults" in root else ()
            made["services"] = {
                name: self._service(service, outer) for name, service in root["services"].items()
            }
        return made

    def _service(self, written: dict[str, Any], outer: Defaults) -> dict[str, Any]:
        scope = self._shared.scope
        made = self._copy(written, scope, but={"conversations"})
        if "conversations" in written:
            defaults = (written["defaults"], *outer) if "defaults" in written else outer
            made["conversations"] = {
                instance: self._conversation(conversation, defaults, inner)
                for name, conversation in written["conversations"].items()
                for instance, inner in self._instances(conversation, name, scope, self._folder)
            }
        return made

    def _conversation(self, written: dict[str, Any], outer: Defaults, scope: Scope) -> dict[str, Any]:
        made = self._copy(written, scope, but={"messages", "participants"})
        self._fill(made, outer, _OF_CONVERSATIONS, scope)
        if "messages" in written:
            defaults = (written["defaults"], *outer) if "defaults" in written else outer
            made["messages"] = list(self._messages(written, defaults, scope))
        if "participants" in written:
            made["participants"] = [self._copy(one, scope) for one in written["participants"]]
        return made

    def _messages(
        self, conversation: dict[str, Any], defaults: Defaults, scope: Scope
    ) -> Iterator[dict[str, Any]]:
        written = conversation["messages"]
        for item in written if isinstance(written, list) else [written]:
            if self._shared.is_full:
                return
            if "from" in item:
                yield from self._transcript(item, defaults, scope)
            elif "use" not in item:
                yield from self._message(item, defaults, scope)
            elif item["use"] in self._shared.templates:
                template = self._shared.templates[item["use"]]
                # a message has the line of its `use:`, if the template is in another file
                line = None if template.file is self._file else self._file.line_of(item)
                folder = Path(template.file.path).parent
                for message in template.messages:
                    yield from self._message(message, defaults, scope, folder, line)
            else:
                meant = close_to(item["use"], list(self._shared.templates))
                hint = f"did you mean `{meant}`?" if meant else "declare it in `templates:`"
                unknown = Refusal(f"names a template that no manifest has: `{item['use']}`", hint)
                self._shared.refuse(item, "use", unknown, scope)

    def _transcript(
        self, written: dict[str, Any], defaults: Defaults, scope: Scope
    ) -> Iterator[dict[str, Any]]:
        source = self._copy(written, scope)
        try:
            lines = read_transcript(self._folder, source["from"], source.get("key"), source.get("columns"))
        except Refusal as refusal:
            self._shared.refuse(written, "from", refusal, scope)
            return
        for line in lines:
            if not self._has_room(written, "from", scope):
                return
            self.source_map.note(line.fields, line, self._file.line_of(written))
            self._fill(line.fields, defaults, _OF_MESSAGES, scope)
            yield line.fields

    def _message(
        self,
        written: dict[str, Any],
        defaults: Defaults,
        scope: Scope,
        folder: Path | None = None,
        line: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        for key, inner in self._instances(written, written["key"], scope, folder or self._folder):
            is_made = folder is not None or inner.each is not None
            if is_made and not self._has_room(written, "key", inner):
                return
            made = self._copy(written, inner, line=line)
            made["key"] = key
            self._fill(made, defaults, _OF_MESSAGES, inner)
            yield made

    def _has_room(self, written: dict[str, Any], field: str, scope: Scope) -> bool:
        if self._shared.is_full:  # already reported
            return False
        self._shared.count()
        if not self._shared.is_full:
            return True
        text = f"stands for more than {limits().messages:,} messages in all"
        hint = "fan out less, or pass a larger `--max-messages`"
        self._shared.refuse(written, field, Refusal(text, hint), scope)
        return False

    def _instances(
        self, written: dict[str, Any], name: str, scope: Scope, folder: Path
    ) -> Iterator[tuple[str, Scope]]:
        """Yield name and scope for each item of the `for_each` of *written*; without one, just one pair."""
        if "for_each" not in written:
            yield name, scope
            return
        try:
            items = self._shared.items.of(self._resolve(written, "for_each", scope, as_text=False), folder)
        except Refusal as refusal:
            self._shared.refuse(written, "for_each", refusal, scope)
            return
        for key, value in items.items():
            yield f"{name}[{key}]", scope.within(key, value)

    def _copy(
        self, written: dict[str, Any], scope: Scope, *, but: set[str] | None = None, line: int | None = None
    ) -> dict[str, Any]:
        """Return the fields of a record with their references resolved, without directives and *but*."""
        left_out = _DIRECTIVES | but if but else _DIRECTIVES
        made = {name: self._field(written, name, scope) for name in written if name not in left_out}
        self.source_map.note(made, written, line)
        hidden = tuple(name for name in made if self._shared.marks.hides(written[name]))
        if hidden:
            self.source_map.hide(made, hidden)
        return made

    def _fill(self, made: dict[str, Any], defaults: Defaults, names: tuple[str, ...], scope: Scope) -> None:
        """Give *made* those fields of *names* that it lacks, from the innermost defaults that have them."""
        for lender in defaults:
            for name in names:
                if name in lender and name not in made:
                    made[name] = self._field(lender, name, scope)
                    self.source_map.borrow(made, name, lender)
                    if self._shared.marks.hides(lender[name]):
                        self.source_map.hide(made, (*self.source_map.sensitive_of(made), name))

    def _field(self, holder: dict[str, Any], name: str, scope: Scope) -> Any:
        return self._resolve(holder, name, scope, as_text=name not in _AS_JSON)

    def _resolve(
        self, holder: dict[str, Any] | list[Any], name: Any, scope: Scope, *, as_text: bool = True
    ) -> Any:
        """Return the value of *holder* at *name*, with its references resolved."""
        value = holder[name]
        if not isinstance(value, str | dict | list) or not self._shared.marks.refers(value):
            return value
        if isinstance(value, str):
            try:
                return resolved(value, scope, as_text=as_text)
            except Refusal as refusal:
                self._shared.refuse(holder, name, refusal, scope)
                return value
        made: dict[str, Any] | list[Any]
        if isinstance(value, dict):
            made = {part: self._resolve(value, part, scope, as_text=as_text) for part in value}
        else:
            made = [self._resolve(value, part, scope, as_text=as_text) for part in range(len(value))]
        self.source_map.note(made, value)
        return made
