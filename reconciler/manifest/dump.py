"""Write values as a manifest: canonical YAML that `load` reads back as the same values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

import msgspec

from reconciler.manifest.expansion import references
from reconciler.manifest.yaml.tidy import LONGEST_KEY
from reconciler.manifest.yaml.writer import Plain, inline, literal, scalar
from reconciler.model import Address, Conversation, Message, Order, Participant, Service, Unmanaged


class _Record(dict[str, Any]):
    """A mapping that is written with one field a line. Any other mapping is on one line if it fits."""


class _Reference(str):
    """A reference to a variable, which is written as it is."""

    __slots__ = ()


Variables = Mapping[tuple[Address, str], str]
"""The name of the variable that holds a field, by the address of the object and the name of the field."""


def dump(services: Sequence[Service], *, account: str | None = None, variables: Variables = {}) -> str:  # noqa: B006 - read only
    """Return the YAML text of *services*, for use with the account SID *account* only, if one is given.

    The path of a media file is written unchanged: it must be relative to the folder of the manifest. Of the
    fields that *variables* hold, no value is written; the variables are declared as sensitive.
    """
    manifest = _Record(version=1)
    if account is not None:
        manifest["account"] = account
    written = _Record({service.name: _service(service) for service in services})
    declared = _Record(_with_variables(services, written, variables)) if variables else None
    if declared:
        manifest["variables"] = declared
    manifest["services"] = written
    return "\n".join(_block(_escaped(manifest))) + "\n"


def _with_variables(
    services: Sequence[Service], written: _Record, variables: Variables
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Put references into *written* in place of the fields that *variables* hold; yield the declarations."""
    for service in services:
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            fields = written[service.name]["conversations"][conversation.name]
            yield from _hidden(address, conversation.sensitive, fields, variables)
            for message, one in zip(conversation.messages, fields.get("messages", ()), strict=True):
                yield from _hidden(f"{address}/{message.key}", message.sensitive, one, variables)


def _hidden(
    address: Address, sensitive: Iterable[str], fields: _Record, variables: Variables
) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in sensitive:
        name = variables[address, field]
        kind = next(kind for kind, python in _KINDS if isinstance(fields[field], python))
        fields[field] = _Reference(f"${{var.{name}}}")
        yield name, {"type": kind, "sensitive": True}


_KINDS: Final = (("bool", bool), ("number", int | float), ("string", str), ("list", list), ("map", dict))
"""The types of variables, and of the values that they hold."""


def _escaped(value: Any) -> Any:
    """Return *value* with each `${` escaped, so that no text is read as a reference."""
    if isinstance(value, str):
        return value if isinstance(value, _Reference | Plain) else references.escaped(value)
    if isinstance(value, dict):
        return type(value)({name: _escaped(item) for name, item in value.items()})
    return [_escaped(item) for item in value] if isinstance(value, list) else value


def _service(service: Service) -> _Record:
    derived = not service.sid and not service.default and service.friendly_name == service.name
    return _record(
        sid=service.sid,
        friendly_name=None if derived else service.friendly_name,
        default=service.default or None,
        conversations=_Record({one.name: _conversation(one) for one in service.conversations}) or None,
    )


def _conversation(one: Conversation) -> _Record:
    derived = not one.sid and one.unique_name == one.name
    email = _record(address=one.email_address, name=one.email_name)
    return _record(
        sid=one.sid,
        unique_name=None if derived else one.unique_name,
        friendly_name=one.friendly_name,
        attributes=_decoded(one.attributes),
        state=one.state,
        messaging_service_sid=one.messaging_service_sid,
        timers=_brief(inactive=one.timers_inactive, closed=one.timers_closed),
        bindings={"email": dict(email)} if email else None,
        order=None if one.order == Order.APPEND else one.order.value,
        unmanaged=None if one.unmanaged == Unmanaged.KEEP else one.unmanaged.value,
        participants=[_participant(member) for member in one.participants] or None,
        messages=[_message(message) for message in one.messages] or None,
    )


def _participant(one: Participant) -> _Record:
    return _record(
        key=None if one.key == one.identity else one.key,
        identity=one.identity,
        messaging_binding=_brief(
            address=one.address,
            proxy_address=one.proxy_address,
            projected_address=one.projected_address,
        ),
        role_sid=one.role_sid,
        attributes=_decoded(one.attributes),
    )


def _message(one: Message) -> _Record:
    media = None
    if one.file is not None:
        renamed = one.file.filename != PurePath(one.file.path).name
        media = _brief(
            file=one.file.path,
            content_type=one.file.content_type,
            filename=one.file.filename if renamed else None,
        )
    return _record(
        key=one.key,
        author=one.author,
        body=one.body,
        attributes=_decoded(one.attributes),
        date_created=_instant(one.date_created),
        date_updated=_instant(one.date_updated),
        subject=one.subject,
        media=media,
        media_sid=one.media_sid,
        content_sid=one.content_sid,
        content_variables=_decoded(one.content_variables),
        webhooks=one.webhooks or None,
        lifecycle=_brief(
            prevent_destroy=one.prevent_destroy or None,
            ignore_changes=[".".join(path) for path in one.ignore_changes] or None,
        ),
    )


def _instant(text: str | None) -> str | None:
    return Plain(text) if text is not None and _INSTANT.fullmatch(text) else text


_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


_NULL: Final = object()
"""JSON's null as a value; None means that a field is not mentioned."""


def _decoded(json: str | None) -> Any:
    return None if json is None else _NULL if json == "null" else msgspec.json.decode(json)


def _record(**fields: Any) -> _Record:
    """Return the *fields* that are mentioned."""
    return _Record(
        {name: None if value is _NULL else value for name, value in fields.items() if value is not None}
    )


def _brief(**fields: Any) -> dict[str, Any] | None:
    """Return the *fields* that are mentioned, for one line; None if there are none."""
    return dict(_record(**fields)) or None


def _block(fields: dict[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        key = scalar(name)
        if len(key) > LONGEST_KEY:
            yield f"? {key}"
            key = ""
        block = literal(value) if isinstance(value, str) else None
        if block is not None:
            header, lines = block
            yield f"{key}: {header}"
            yield from _indented(lines)
        elif not isinstance(value, dict | list):
            yield f"{key}: {scalar(value)}"
        elif not _is_long(value) and (text := inline(value)) is not None:
            yield f"{key}: {text}"
        else:
            yield f"{key}:"
            yield from _indented(_block(value) if isinstance(value, dict) else _items(value))


def _items(items: list[Any]) -> Iterator[str]:
    for item in items:
        if not isinstance(item, dict | list):
            yield f"- {scalar(item)}"
        elif not _is_long(item) and (text := inline(item)) is not None:
            yield f"- {text}"
        else:
            first, *others = _block(item) if isinstance(item, dict) else _items(item)
            yield f"- {first}"
            yield from _indented(others)


def _is_long(value: Any) -> bool:
    """Return whether *value* is written on several lines, even if it would fit on one."""
    if isinstance(value, _Record):
        return bool(value)
    return isinstance(value, list) and any(isinstance(item, _Record) for item in value)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" if line else "" for line in lines)
