"""Build messages from their fields in a manifest, and check every rule that concerns one message alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.manifest.build import fields as conversion
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.manifest.diagnostics.subjects import field_of, noun_of
from reconciler.model import PARTICIPANTS, MediaFile, Message, is_reserved
from reconciler.model.sids import canonical_sid

_CONTENT: Final = ("body", "media", "media_sid", "content_sid")


_BESIDE_BODY: Final = frozenset(("media", "media_sid", "content_sid", "content_variables"))
"""Fields that are allowed only together with some fields, or without others."""


_AS_THEY_ARE: Final = frozenset(("subject", "webhooks"))


_USUAL: Final = frozenset(("key", "author", "body", "attributes", "date_created"))
"""Fields that have no rule together: most messages have no others."""


class _Once(dict[str, str]):
    """The canonical texts of the values met so far, each made once by *convert*: equal ones are one string.

    They repeat in most manifests, so this saves much time and memory.
    """

    def __init__(self, convert: Callable[[str], str]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, value: str) -> str:
        text = self[value] = self._convert(value)
        return text


class Converters:
    """Functions that make the canonical text of a field's value, for the messages of one file.

    They raise Refusal for a wrong value.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self.once = self._texts.setdefault
        self.author = _Once(conversion.author).__getitem__
        self.date_created = _Once(conversion.instant).__getitem__
        self.by_field: Final[dict[str, Callable[[Any], Any]]] = {
            "key": self._key,
            "author": self.author,
            "attributes": self.attributes,
            "date_created": self.date_created,
            "date_updated": conversion.instant,
            "media_sid": canonical_sid,
            "content_sid": canonical_sid,
            "content_variables": conversion.content_variables,
        }
        """All of them; that of bodies depends on the conversation."""

    def attributes(self, value: Any) -> str:
        """Return the canonical text of the attributes *value*; equal ones are one string."""
        text = conversion.attributes(value)
        return self.once(text, text)

    def _key(self, text: str) -> str:
        if is_reserved(text):
            raise Refusal(
                f"is `{text}`, which is reserved: the addresses of participants hold it",
                "choose another key; a `moved:` block, or `state mv`, renames a message that has it",
            )
        return self.once(text, text)


class MessageBuilder:
    """Builds the messages of one conversation, and adds what is wrong with them to *found*.

    *delivered* tells that the conversation has participants outside the chat, who receive every message.
    *converters* are those of the file.
    """

    def __init__(self, converters: Converters, found: list[Finding], *, delivered: bool) -> None:
        self._found = found
        self._converters = converters
        self._body = conversion.delivered_body if delivered else conversion.chat_body
        self._by_field = {**converters.by_field, "body": self._body}

    def build(
        self,
        items: list[dict[str, Any]],
        loc: Loc,
        line_of: Callable[[object], int],
        sensitive_of: Callable[[object], tuple[str, ...]],
    ) -> tuple[Message, ...]:
        """Return the messages of *items*, which have the right shape; a wrong field is left out.

        `Message.file` has the path as written, without size and digest: `media.with_media_files` reads them.
        """
        built = []
        for position, fields in enumerate(items):
            line, sensitive = line_of(fields), sensitive_of(fields)
            message = self._usual(fields, line) if not sensitive and _USUAL.issuperset(fields) else None
            built.append(message or self._any(fields, line, (*loc, position), sensitive))
        return tuple(built)

    def _any(self, fields: dict[str, Any], line: int, loc: Loc, sensitive: tuple[str, ...]) -> Message:
        values: dict[str, Any] = {"key": "", "line": line, "sensitive": sensitive}
        converter_of = self._by_field.get
        for name, value in fields.items():
            convert = converter_of(name)
            if convert is not None:
                try:
                    values[name] = convert(value)
                except Refusal as refusal:
                    self._refuse((*loc, name), fields, refusal)
            elif name in _AS_THEY_ARE:
                values[name] = value
        if "media" in fields:
            values["file"] = self._file(fields, loc)
        if "lifecycle" in fields:
            values |= self._lifecycle(fields, loc)
        if "body" not in fields or not _BESIDE_BODY.isdisjoint(fields):
            self._check_content(fields, loc)
        if "date_updated" in values:
            created, updated = values.get("date_created"), values["date_updated"]
            if created and updated < created:
                self._refuse((*loc, "date_updated"), fields, Refusal(f"is before `date_created` ({created})"))
        return Message(**values)

    def _usual(self, fields: dict[str, Any], line: int) -> Message | None:
        """Return the message of *fields*, which are usual ones, in half the time.

        None if one is wrong or missing: then `_any` finds what.
        """
        convert, key = self._converters, fields.get("key", PARTICIPANTS)
        if key.startswith(PARTICIPANTS) or "body" not in fields:  # perhaps a reserved key
            return None
        try:
            return Message(
                convert.once(key, key),
                line,
                convert.author(fields["author"]) if "author" in fields else None,
                self._body(fields["body"]),
                convert.attributes(fields["attributes"]) if "attributes" in fields else None,
                convert.date_created(fields["date_created"]) if "date_created" in fields else None,
            )
        except Refusal:
            return None

    def _check_content(self, fields: dict[str, Any], loc: Loc) -> None:
        if "content_sid" in fields:
            for name in _CONTENT[:-1]:
                if name in fields:
                    self._add(
                        (*loc, name),
                        f"`{name}` beside `content_sid` in {noun_of(loc, fields)}: Twilio would ignore it",
                        "keep one of them",
                    )
        elif "content_variables" in fields:
            self._add(
                (*loc, "content_variables"),
                f"`content_variables` without `content_sid` in {noun_of(loc, fields)}",
                "name the template with `content_sid: HX…`",
            )
        if "media" in fields and "media_sid" in fields:
            self._add(
                (*loc, "media_sid"),
                f"`media_sid` beside `media` in {noun_of(loc, fields)}",
                "keep one of them: a message has one file",
            )
        if fields.keys().isdisjoint(_CONTENT):
            self._add(
                loc,
                f"{noun_of(loc, fields)} is empty",
                "give it a `body`, `media`, `media_sid` or `content_sid`",
            )

    def _file(self, fields: dict[str, Any], loc: Loc) -> MediaFile | None:
        media = fields["media"]
        if isinstance(media, list):
            if len(media) != 1:
                self._refuse(
                    (*loc, "media"),
                    fields,
                    Refusal(
                        f"lists {len(media)} files, and a message has one",
                        "write each further file as a message of its own" if media else "name a `file`",
                    ),
                )
            if not media:
                return None
            media = media[0]
        return MediaFile(
            path=media["file"],
            sha256="",
            size=0,
            content_type=media.get("content_type", ""),
            filename=media.get("filename", ""),
        )

    def _lifecycle(self, fields: dict[str, Any], loc: Loc) -> dict[str, Any]:
        lifecycle = fields["lifecycle"]
        paths = []
        for position, entry in enumerate(lifecycle.get("ignore_changes", ())):
            try:
                paths.append(conversion.ignored_path(entry))
            except Refusal as refusal:
                self._refuse((*loc, "lifecycle", "ignore_changes", position), fields, refusal)
        return {
            "prevent_destroy": lifecycle.get("prevent_destroy", False),
            "ignore_changes": tuple(paths),
        }

    def _refuse(self, loc: Loc, fields: dict[str, Any], refusal: Refusal) -> None:
        self._add(loc, f"`{field_of(loc)}` of {noun_of(loc, fields)} {refusal.text}", refusal.hint)

    def _add(self, loc: Loc, text: str, hint: str | None) -> None:
        self._found.append(Finding(loc, text, hint))
