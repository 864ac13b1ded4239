"""Read what Twilio's Terraform provider keeps in a Terraform state. Nothing here does I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import UsageError
from reconciler.export.terraform_addresses import address_of, is_address, key_of
from reconciler.export.terraform_fields import Declaration, converted
from reconciler.model import ResourceType
from reconciler.model.sids import canonical_sid, is_sid, sid_pattern
from reconciler.runtime.text_file import NotText, decoded
from reconciler.text.foreign import json_fault
from reconciler.text.words import counted

_FAMILY: Final = "twilio_conversations_"
"""How the types of resources of Conversations begin; each one that is not taken over is noted."""
_SERVICES: Final = f"{_FAMILY}services_"
TYPES: Final = {
    f"{family}conversations_{rest}v1": kind
    for family in (_SERVICES, _FAMILY)
    for rest, kind in (
        ("", ResourceType.CONVERSATION),
        ("participants_", ResourceType.PARTICIPANT),
        ("messages_", ResourceType.MESSAGE),
    )
}
"""The types of resources that are taken over: those of a named service and of the default one."""
MESSAGES: Final = f"{_SERVICES}conversations_messages_v1"
"""The type of resource of a message in a service that is named."""
_IN_SERVICE: Final = f"(?:({sid_pattern('IS')})/)?"
_IDS: Final = {
    ResourceType.CONVERSATION: re.compile(f"{_IN_SERVICE}([^/]+)()"),
    ResourceType.PARTICIPANT: re.compile(f"{_IN_SERVICE}([^/]+)/({sid_pattern('MB')})"),
    ResourceType.MESSAGE: re.compile(f"{_IN_SERVICE}([^/]+)/({sid_pattern('IM')})"),
}
"""The ids of the provider: service, unless it is the default one, conversation, and object."""
_FORMS: Final = {
    ResourceType.CONVERSATION: "CH…",
    ResourceType.PARTICIPANT: "CH…/MB…",
    ResourceType.MESSAGE: "CH…/IM…",
}
_VERSION: Final = 4
_PULL: Final = "`terraform state pull > terraform.tfstate` writes the one that is meant"


class TerraformObject(Struct, frozen=True):
    """A message, participant or conversation in a Terraform state."""

    address: str
    """Its address in Terraform."""
    kind: ResourceType
    """What it is."""
    service_sid: str
    """The sid of its service (IS…); empty for the default service, whose sid Terraform does not need."""
    conversation: str
    """The sid or unique name of the conversation that it is, or is in, as Terraform has it."""
    sid: str
    """Its sid; of a conversation, what *conversation* is."""
    declared: Declaration
    """Its declaration; the key or name is made from the address."""
    keeps_name: bool = True
    """Whether a conversation may be called as it is at Twilio: not, where Terraform calls that sensitive."""
    others: tuple[str, ...] = ()
    """Further addresses that it has in Terraform."""


class TerraformRead(Struct, frozen=True):
    """What a Terraform state holds of Conversations."""

    objects: list[TerraformObject]
    notes: list[str]
    """One line for each object that is not taken over, or is taken over with a doubt."""


class _Attribute(Struct):
    """The first step of a path into the attributes."""

    type: Literal["get_attr"]
    value: str


class _Instance(Struct):
    attributes: dict[str, Any] | None = None
    attributes_flat: dict[str, Any] | None = None
    """The attributes, where Terraform 0.11 wrote them and no newer release has refreshed them since."""
    sensitive_attributes: Any = None


class _Head(Struct):
    """The part of an instance that tells whether it is taken over."""

    index_key: str | int | None = None
    deposed: str | None = None
    status: str | None = None


class _Sid(Struct):
    sid: str = ""


class _Deposed(Struct):
    attributes: _Sid | None = None
    attributes_flat: _Sid | None = None


class _Resource(Struct):
    type: str
    name: str
    module: str = ""
    instances: list[msgspec.Raw] = []
    """Each is decoded by itself: those that are not taken over may have any shape."""


class _Named(Struct):
    """The part of any resource that tells whether it is taken over."""

    mode: str = ""
    type: str = ""
    name: str = ""
    module: str = ""


class _State(Struct):
    resources: list[msgspec.Raw]
    """Each is decoded by itself: what other providers keep may have any shape."""


def read_terraform(data: bytes, where: str) -> TerraformRead:
    """Return the messages, participants and conversations in the Terraform state *data*.

    *where* names it in errors. Raises UsageError for what is no Terraform state of version 4, and for one
    that holds nothing of Conversations.
    """
    try:
        text = decoded(data)
    except NotText as error:
        raise UsageError(f"`{where}` {error.text}", hint=f"{error.hint}; {_PULL}") from error
    try:
        version = msgspec.json.decode(text, type=dict[str, Any]).get("version")
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"`{where}` is no Terraform state: it is no JSON object", hint=_PULL) from error
    if version != _VERSION:
        raise UsageError(
            f"`{where}` is no Terraform state of version {_VERSION}",
            hint=f"{_PULL}; it must come from Terraform 0.12 or newer, and not be encrypted",
        )
    read = _Reading(text, where)
    try:
        read.take(msgspec.json.decode(text, type=_State).resources)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"`{where}` is damaged: {json_fault(text, error)}", hint=_PULL) from error
    if not read.objects:
        raise UsageError(
            f"`{where}` holds no conversation, participant or message of Twilio's provider",
            hint=f"their types are `{MESSAGES}` and the like; {_PULL}",
        )
    return TerraformRead(list(read.objects.values()), read.notes)


class _Reading:
    """One pass over the resources of a state."""

    def __init__(self, text: str, where: str) -> None:
        self.objects: dict[tuple[str, str], TerraformObject] = {}
        """What is taken over, by its sid, or by its service and unique name."""
        self.notes: list[str] = []
        self._text = text
        self._where = where

    def take(self, resources: Iterable[msgspec.Raw]) -> None:
        """Take what is to be taken over of *resources*, and note the rest."""
        foreign = 0
        for raw in resources:
            try:
                named = msgspec.json.decode(raw, type=_Named)
            except msgspec.ValidationError:
                named = _Named("managed")
            if named.mode != "managed":
                continue
            if named.type in TYPES:
                for one in self._instances(msgspec.json.decode(raw, type=_Resource)):
                    self._add(one)
            elif named.type.startswith(_FAMILY):
                address = address_of(named.module, named.type, named.name, None)
                self.notes.append(
                    f"{address} is left out: only conversations, participants and messages are taken over"
                )
            else:
                foreign += 1
        if foreign:
            are = "is" if foreign == 1 else "are"
            self.notes.append(f"{counted(foreign, 'resource')} of other kinds {are} left in Terraform")

    def _add(self, one: TerraformObject) -> None:
        identity = ("" if is_sid(one.sid) else one.service_sid, one.sid)
        before = self.objects.get(identity)
        if before is None:
            self.objects[identity] = one
            return
        self.notes.append(f"{one.address} is left out: {one.sid} is also {before.address}")
        self.objects[identity] = replace(before, others=(*before.others, one.address))

    def _instances(self, resource: _Resource) -> Iterator[TerraformObject]:
        if not is_address(resource.module, resource.name):
            raise UsageError(
                f"`{self._where}` is damaged: a `{resource.type}` has no possible name", hint=_PULL
            )
        for raw in resource.instances:
            head = msgspec.json.decode(raw, type=_Head)
            address = address_of(resource.module, resource.type, resource.name, head.index_key)
            if head.deposed is not None:
                self.notes.append(_deposed(address, raw))
                continue
            if head.status == "tainted":
                self.notes.append(f"{address} is tainted there: Terraform would replace it")
            key = key_of(resource.module, resource.name, head.index_key)
            yield self._object(resource.type, address, key, msgspec.json.decode(raw, type=_Instance))

    def _object(self, resource: str, address: str, key: str, instance: _Instance) -> TerraformObject:
        kind = TYPES[resource]
        attributes = instance.attributes if instance.attributes is not None else instance.attributes_flat
        if attributes is None:
            raise UsageError(
                f"`{address[:200]}` in `{self._where}` has no attributes",
                hint=f"let `terraform refresh` read it; {_PULL}",
            )
        service_sid, conversation, sid = self._identity(resource, address, attributes)
        sensitive = _sensitive(instance.sensitive_attributes, attributes)
        found = converted(kind, key, attributes, sensitive)
        for name in found.clear:
            self.notes.append(f"{address}: `{name}` is sensitive there, and stands in the manifest in clear")
        for name in found.left_out:
            self.notes.append(f"{address}: `{name}` is left out: in a manifest only messages have it")
        return TerraformObject(
            address,
            kind,
            service_sid,
            conversation,
            sid,
            found.declared,
            keeps_name=not {"unique_name", "friendly_name"} & sensitive,
        )

    def _identity(self, resource: str, address: str, attributes: dict[str, Any]) -> tuple[str, str, str]:
        """Return the sids of the service, the conversation and the object, as in `TerraformObject`.

        An id has the unique name of a conversation where somebody imported it into Terraform by that.
        """
        kind, in_service = TYPES[resource], resource.startswith(_SERVICES)
        match = _IDS[kind].fullmatch(str(attributes.get("id")))
        if match is None or (match[1] is not None) != in_service:
            form = ("IS…/" if in_service else "") + _FORMS[kind]
            raise UsageError(
                f"`{address[:200]}` in `{self._where}` has no id of the form `{form}`", hint=_PULL
            )
        service_sid, conversation, sid = (canonical_sid(part or "") for part in match.groups())
        if kind is ResourceType.CONVERSATION:
            known = canonical_sid(str(attributes.get("sid")))
            conversation = sid = known if is_sid(known, "CH") else conversation
        return service_sid, conversation, sid


def _deposed(address: str, raw: msgspec.Raw) -> str:
    """Return the note on a deposed object, of which nothing but its sid is of interest."""
    try:
        found = msgspec.json.decode(raw, type=_Deposed)
        sid = (found.attributes or found.attributes_flat or _Sid()).sid
    except msgspec.ValidationError:
        sid = ""
    return (
        f"{address} is left out: {sid or 'an object'} is deposed there, and Terraform would delete it; "
        "let it do so before `terraform state rm`, which forgets both"
    )


def _sensitive(given: Any, attributes: dict[str, Any]) -> frozenset[str]:
    """Return those of *attributes* that Terraform calls sensitive: all, where it is not clear which."""
    try:
        paths = msgspec.convert(given or [], list[list[Any]])
        return frozenset(msgspec.convert(path[0], _Attribute).value for path in paths)
    except (msgspec.ValidationError, IndexError):
        return frozenset(attributes)
