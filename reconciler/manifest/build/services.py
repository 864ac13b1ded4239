"""Build services, conversations and participants from a manifest of the right shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from reconciler.manifest.build import fields as conversion
from reconciler.manifest.build import people
from reconciler.manifest.build.blocks import entries_of
from reconciler.manifest.build.messages import Converters, MessageBuilder
from reconciler.manifest.content import FileContent
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.manifest.diagnostics.subjects import noun_of
from reconciler.model import (
    ADDRESS_PART,
    Conversation,
    Message,
    Order,
    Participant,
    ResourceType,
    Service,
    Timeline,
    Unmanaged,
)
from reconciler.model.sids import PREFIXES, canonical_sid, is_sid

_NO_SEGMENTS: Final = (".", "..")
"""Names that cannot be a part of a URL, as URLs give them another meaning."""


_MOST_PARTICIPANTS: Final = 1_000
_MOST_OUTSIDE_CHAT: Final = 50
"""Participants of one conversation, by Twilio's reference."""


class Builder:
    """Builds the values of one file, which the user named *path*.

    *line_of* returns the line of a mapping, *sensitive_of* its fields whose values must not be shown.
    """

    def __init__(
        self,
        path: str,
        line_of: Callable[[object], int],
        sensitive_of: Callable[[object], tuple[str, ...]] = lambda _: (),
    ) -> None:
        self.found: list[Finding] = []
        """What is wrong in the file."""
        self._path = path
        self._line_of = line_of
        self._sensitive_of = sensitive_of
        self._converters = Converters()

    def content(self, manifest: dict[str, Any]) -> FileContent:
        """Return the declarations of *manifest*.

        `merge` fills in the friendly name that follows from a service's name, as another file may give one.
        """
        services = tuple(
            self._service(name, fields, ("services", name))
            for name, fields in manifest.get("services", {}).items()
        )
        return FileContent(self._path, _sid(manifest, "account"), services, entries_of(manifest))

    def _service(self, name: str, fields: dict[str, Any], loc: Loc) -> Service:
        return Service(
            name=name,
            path=self._path,
            line=self._line_of(fields),
            sid=_sid(fields, "sid"),
            friendly_name=fields.get("friendly_name"),
            default=fields.get("default", False),
            conversations=tuple(
                self._conversation(child, child_fields, (*loc, "conversations", child))
                for child, child_fields in fields.get("conversations", {}).items()
            ),
        )

    def _conversation(self, name: str, fields: dict[str, Any], loc: Loc) -> Conversation:
        noun = noun_of(loc, fields)
        sid = _sid(fields, "sid")
        unique_name = fields.get("unique_name", None if sid else name)
        if unique_name in _NO_SEGMENTS:
            self._add(
                (*loc, "unique_name"),
                f"the unique name of {noun} is `{unique_name}`, which no address at Twilio can hold",
                "choose another name",
            )
        if unique_name and is_sid(unique_name, PREFIXES[ResourceType.CONVERSATION]):
            self._add(
                (*loc, "unique_name") if "unique_name" in fields else loc,
                f"the unique name of {noun} looks like a conversation SID, which Twilio refuses",
                "to mean an existing conversation, write `sid:`; else choose another name",
                on_key="unique_name" not in fields,
            )
        timers = fields.get("timers", {})
        email = fields.get("bindings", {}).get("email", {})
        participants = self._participants(noun, fields.get("participants", []), (*loc, "participants"))
        when = None
        if "timeline" in fields:
            from reconciler.manifest.build import timeline as times  # noqa: PLC0415 - most manifests have none

            when = times.timeline(fields["timeline"], noun, (*loc, "timeline"), self.found)
        messages = self._messages(
            noun,
            fields.get("messages", []),
            (*loc, "messages"),
            delivered=any(one.address or one.projected_address for one in participants),
            when=when,
        )
        if sid is None:  # others may be in a conversation that exists
            for fault in people.faults_of_group(noun, participants, messages, loc):
                self._add(*fault)
        return Conversation(
            name=name,
            path=self._path,
            line=self._line_of(fields),
            sid=sid,
            unique_name=unique_name,
            friendly_name=fields.get("friendly_name"),
            attributes=self._attributes(noun, fields, loc, conversion.CONVERSATION_ATTRIBUTES_BYTES),
            state=fields.get("state"),
            messaging_service_sid=_sid(fields, "messaging_service_sid"),
            timers_inactive=self._timer(noun, timers, "inactive", "PT1M", loc),
            timers_closed=self._timer(noun, timers, "closed", "PT10M", loc),
            email_address=email.get("address"),
            email_name=email.get("name"),
            order=Order(fields.get("order", Order.APPEND)),
            unmanaged=Unmanaged(fields.get("unmanaged", Unmanaged.KEEP)),
            messages=messages,
            participants=participants,
            sensitive=self._sensitive_of(fields),
            timeline=when,
        )

    def _messages(
        self,
        noun: str,
        items: list[dict[str, Any]],
        loc: Loc,
        *,
        delivered: bool,
        when: Timeline | None,
    ) -> tuple[Message, ...]:
        builder = MessageBuilder(self._converters, self.found, delivered=delivered)
        messages = builder.build(items, loc, self._line_of, self._sensitive_of)
        self._refuse_repeated([message.key for message in messages], loc, f"in {noun}")
        if when is not None or any("at" in fields for fields in items):
            from reconciler.manifest.build import timeline as times  # noqa: PLC0415 - most manifests have none

            messages = times.timed(messages, items, when, loc, self.found)
        return messages

    def _participants(self, noun: str, items: list[dict[str, Any]], loc: Loc) -> tuple[Participant, ...]:
        participants = tuple(
            self._participant(fields, (*loc, position)) for position, fields in enumerate(items)
        )
        if not participants:
            return ()
        self._refuse_repeated([one.key for one in participants], loc, f"in the participants of {noun}")
        outside = sum(one.identity is None for one in participants)
        for count, limit, kind in (
            (len(participants), _MOST_PARTICIPANTS, "participants"),
            (outside, _MOST_OUTSIDE_CHAT, "participants outside the chat"),
        ):
            if count > limit:
                self._add(loc, f"{noun} has {count:,} {kind}; the limit is {limit:,}", None, on_key=True)
        first: dict[tuple[str | None, ...], int] = {}
        for position, one in enumerate(participants):
            who = (
                (one.identity,) if one.identity else (one.address or one.projected_address, one.proxy_address)
            )
            earlier = first.setdefault(who, position)
            if earlier != position and who[0]:
                self._found_twice(
                    (*loc, position), (*loc, earlier), f"the same participant is declared twice in {noun}"
                )
        return participants

    def _participant(self, fields: dict[str, Any], loc: Loc) -> Participant:
        identity, binding = fields.get("identity"), fields.get("messaging_binding", {})
        key = fields.get("key", identity or "")
        noun = noun_of(loc, fields)
        address, projected = binding.get("address"), binding.get("projected_address")
        if identity is None and address is None and projected is None:
            self._add(
                loc,
                f"{noun} has neither `identity` nor `messaging_binding.address`",
                "name a chat user with `identity`, or a person outside the chat with `messaging_binding`",
            )
        elif "key" not in fields and identity != "" and not re.fullmatch(ADDRESS_PART, key):
            self._add(
                loc,
                f"{noun} needs a `key`: its identity cannot be one" if identity else f"{noun} needs a `key`",
                "a key has letters, digits, `.`, `_` and `-`, such as `key: customer`",
            )
        for fault in people.faults_of_binding(noun, fields, loc):
            self._add(*fault)
        return Participant(
            key=key,
            line=self._line_of(fields),
            identity=identity,
            address=address,
            proxy_address=binding.get("proxy_address"),
            projected_address=projected,
            role_sid=_sid(fields, "role_sid"),
            attributes=self._attributes(noun, fields, loc, conversion.ATTRIBUTES_BYTES),
        )

    def _attributes(self, noun: str, fields: dict[str, Any], loc: Loc, limit: int) -> str | None:
        if "attributes" not in fields:
            return None
        try:
            return conversion.attributes(fields["attributes"], limit)
        except Refusal as refusal:
            self._add((*loc, "attributes"), f"`attributes` of {noun} {refusal.text}", refusal.hint)
            return None

    def _timer(self, noun: str, timers: dict[str, Any], name: str, least: str, loc: Loc) -> str | None:
        if name not in timers:
            return None
        try:
            return conversion.duration(timers[name], least)
        except Refusal as refusal:
            self._add((*loc, "timers", name), f"`timers.{name}` of {noun} {refusal.text}", refusal.hint)
            return None

    def _refuse_repeated(self, keys: list[str], loc: Loc, where: str) -> None:
        if len(set(keys)) == len(keys):
            return
        first: dict[str, int] = {}
        for position, key in enumerate(keys):
            earlier = first.setdefault(key, position)
            if earlier != position and key:
                self._found_twice(
                    (*loc, position, "key"), (*loc, earlier, "key"), f"key `{key}` is used twice {where}"
                )

    def _found_twice(self, loc: Loc, earlier: Loc, text: str) -> None:
        self.found.append(Finding(loc, f"{text}; first at", earlier=(self._path, earlier)))

    def _add(self, loc: Loc, text: str, hint: str | None, *, on_key: bool = False) -> None:
        self.found.append(Finding(loc, text, hint, on_key))


def _sid(fields: dict[str, Any], name: str) -> str | None:
    """Return the SID in the field *name* in canonical form, or None if there is none."""
    value = fields.get(name)
    return None if value is None else canonical_sid(value)
