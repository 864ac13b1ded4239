"""Build messages from their fields in a manifest, and check every rule that concerns one message alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.manifest.build import fields as conversion
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.manifest.diagnostics.subjects import field_of, noun_of
from reconciler.model import MediaFile, Message, is_reserved
from reconciler.model.sids import canonical_sid

_CONTENT: Final = ("body", "media", "media_sid", "content_sid")


_BESIDE_BODY: Final = frozenset(("media", "media_sid", "content_sid", "content_variables"))
"""Fields that are allowed only together with some fields, or without others."""


_AS_THEY_ARE: Final = frozenset(("subject", "webhooks"))


def _converters(texts: dict[str, str], *, delivered: bool) -> dict[str, Callable[[Any], Any]]:
    """Return by field the function that makes a canonical text of its value."""
    once = texts.setdefault  # one string for equal keys, authors and attributes saves much memory

    def attributes(value: Any) -> str:
        text = conversion.attributes(value)
        return once(text, text)

    def key(text: str) -> str:
        if is_reserved(text):
            raise Refusal(
                f"is `{text}`, which is reserved: the addresses of participants hold it",
                "choose another key; a `moved:` block, or `state mv`, renames a message that has it",
            )
        return once(text, text)

    return {
        "key": key,
        "author": lambda text: once(text, conversion.author(text)),
        "body": conversion.delivered_body if delivered else conversion.chat_body,
        "attributes": attributes,
        "date_created": conversion.instant,
        "date_updated": conversion.instant,
        "media_sid": canonical_sid,
        "content_sid": canonical_sid,
        "content_variables": conversion.content_variables,
    }


class MessageBuilder:
    """Builds the messages of one conversation, and adds what is wrong with them to *found*.

    *delivered* tells that the conversation has participants outside the chat, who receive every message.
    *texts* are strings of other messages of the file, which are used again for equal texts.
    """

    def __init__(self, *, delivered: bool, found: list[Finding], texts: dict[str, str]) -> None:
        self._found = found
        self._converters = _converters(texts, delivered=delivered)

    def build(self, fields: dict[str, Any], line: int, loc: Loc, sensitive: tuple[str, ...] = ()) -> Message:
        """Return the message of *fields*, which have the right shape; a wrong field is left out.

        `Message.file` has the path as written, without size and digest: `media.with_media_files` reads them.
        """
        values: dict[str, Any] = {"key": "", "line": line, "sensitive": sensitive}
        converter_of = self._converters.get
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
