"""Messages: from the fields of a manifest to values, with every rule that one message can break."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.manifest.build import fields as canonical
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.manifest.diagnostics.subjects import field_of, noun_of
from reconciler.model import MediaFile, Message, is_reserved
from reconciler.model.sids import canonical_sid

_CONTENT: Final = ("body", "media", "media_sid", "content_sid")


_BESIDE_BODY: Final = frozenset(("media", "media_sid", "content_sid", "content_variables"))
"""Fields whose being there has to be judged by what else is."""


_AS_THEY_ARE: Final = frozenset(("subject", "webhooks"))


def _conversions(texts: dict[str, str], *, delivered: bool) -> dict[str, Callable[[Any], Any]]:
    """Return for each field that is not taken as it is what makes a canonical text of its value."""
    once = texts.setdefault  # keys, authors and attributes repeat: as one text they take far less memory

    def attributes(value: Any) -> str:
        text = canonical.attributes(value)
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
        "author": lambda text: once(text, text),
        "body": canonical.delivered_body if delivered else canonical.chat_body,
        "attributes": attributes,
        "date_created": canonical.instant,
        "date_updated": canonical.instant,
        "media_sid": canonical_sid,
        "content_sid": canonical_sid,
        "content_variables": canonical.content_variables,
    }


class MessageBuilder:
    """Builds the messages of one conversation, and adds what is wrong with them to *found*.

    *delivered* says that the conversation has participants outside the chat, who receive what is sent.
    *texts* are those of other messages of the file: equal ones become one.
    """

    def __init__(self, *, delivered: bool, found: list[Finding], texts: dict[str, str]) -> None:
        self._found = found
        self._conversions = _conversions(texts, delivered=delivered)

    def build(self, fields: dict[str, Any], line: int, loc: Loc, sensitive: tuple[str, ...] = ()) -> Message:
        """Return the message of *fields*, which have the right shape; a wrong field is left out.

        A media file is not looked at: `Message.file` holds its path as written, and neither its
        size nor its digest.
        """
        values: dict[str, Any] = {"key": "", "line": line, "sensitive": sensitive}
        conversion_of = self._conversions.get
        for name, value in fields.items():
            convert = conversion_of(name)
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
                paths.append(canonical.ignored_path(entry))
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
