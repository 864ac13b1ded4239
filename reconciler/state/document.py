"""The state file: bytes <-> State, with nothing read or written here.

One binding a line, sorted by address, so that two states compare well with `git diff`. Every
change of shape, an added field too, raises `FORMAT_VERSION`: an older release must refuse the
file, as a field that it dropped on its next write could be the one that prevents a duplicate.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from inspect import cleandoc
from itertools import chain, filterfalse, islice
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from reconciler._version import __version__
from reconciler.errors import StateError
from reconciler.model import Address, is_well_formed
from reconciler.model.sids import canonical_sid
from reconciler.runtime.text_file import encoding_of
from reconciler.state.model import OpenPlan, State
from reconciler.state.remembered import Binding, InFlight, Intent
from reconciler.text.foreign import json_fault, quoted

FORMAT_VERSION: Final = 3
_SHOWN = 200
"""The most characters of a foreign text that an error quotes."""


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """What `reconciler` remembers of one account at one origin: no text of any message."""

    format_version: Annotated[int, Meta(ge=1, description="Shape of this file; this schema is of 3.")]
    lineage: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="Names the history; salt of all digests; `scrypt:` begins a slow one.",
        ),
    ]
    serial: Annotated[int, Meta(ge=0, description="Counts the snapshots written.")]
    tool_version: Annotated[str, Meta(description="The release that wrote this file.")]
    account_sid: Annotated[str, Meta(description="The account whose messages are bound.")]
    origin: Annotated[
        str, Meta(description="`scheme://host[:port]`, or `emulator:` and the id of its store.")
    ]
    used_plans: Annotated[list[str], Meta(description="Ids of saved plans that are done.")]
    in_flight: Annotated[
        dict[Address, InFlight], Meta(description="By parent: what a running apply is about to create.")
    ]
    intents: Annotated[
        dict[Address, Intent], Meta(description="Creates of unknown outcome, in the order they were sent.")
    ]
    bindings: Annotated[dict[Address, Binding], Meta(description="Address to live object.")]
    open_plan: Annotated[
        OpenPlan | None, Meta(description="The saved plan that was begun and is not done, with what is done.")
    ] = None
    environment: Annotated[
        str, Meta(max_length=128, description="The environment of the settings file; empty for none.")
    ] = ""


_FIRST: Final = b'  "bindings": {\n'
_LAST: Final = b"  }\n"
"""The lines before and after the bindings, which have one line each."""
_OPENING: Final = re.compile(rb'\s*\{\s*"format_version":\s*\d+,\s*"lineage":')
_CONFLICT: Final = re.compile(rb"^<{7} ", re.MULTILINE)
"""How git begins a conflict. No line of JSON begins so."""
_MARKED_WITHIN: Final = 1000
"""Bytes in which a marker has its last key."""
_BATCH: Final = 1000
"""Lines that are decoded together."""
_NOTHING: Final[dict[str, str]] = {}

_decoder = msgspec.json.Decoder(Document)
_bindings_decoder = msgspec.json.Decoder(dict[Address, Binding])
_encode = msgspec.json.Encoder().encode


def is_state(data: bytes) -> bool:
    """Return whether *data* begins like a state of any release; a hundred bytes are enough."""
    return _OPENING.match(data) is not None


class Moved(StateError):
    """The state was moved to another place."""

    def __init__(self, where: str, to: str, *, lineage: str, serial: int) -> None:
        shown = "".join(c if c.isprintable() else "?" for c in to[:_SHOWN])
        super().__init__(f"the state `{where}` was moved to `{shown}`", hint=f"pass `--state {shown}`")
        self.lineage = lineage
        """That of the state."""
        self.serial = serial
        """The last one before the move."""


class Marker(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left in place of a state that was moved."""

    format_version: int
    lineage: str
    serial: int
    moved_to: str


def encode_marker(state: State, moved_to: str) -> bytes:
    """Return the file that says where *state* was moved to."""
    return _encode(Marker(FORMAT_VERSION, state.lineage, state.serial, moved_to)) + b"\n"


def encode(state: State, serial: int) -> bytes:
    """Return the file that holds *state* as snapshot number *serial*."""
    members = {
        "format_version": _encode(FORMAT_VERSION),
        "lineage": _encode(state.lineage),
        "serial": _encode(serial),
        "tool_version": _encode(__version__),
        "account_sid": _encode(state.account_sid),
        "origin": _encode(state.origin),
        "environment": _encode(state.environment),
        "used_plans": _encode(state.used_plans),
        "open_plan": _encode(state.open_plan),
        "in_flight": _lines(state.in_flight),
        "intents": _lines(state.intents),
        "bindings": _lines(dict(sorted(state.bindings.items()))),
    }
    return b"{\n" + b",\n".join(b'  "%s": %s' % (name.encode(), members[name]) for name in members) + b"\n}\n"


def decode(data: bytes, where: str) -> State:
    """Return the state in *data*; *where* names the file in errors.

    Raises StateError, each time with another text, for an empty file, one of a newer release, a
    damaged one, and one that is no state at all.
    """
    try:
        document = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(data, where, error) from error
    if document.format_version > FORMAT_VERSION:
        raise _newer(where, document.format_version)
    if (misplaced := _misplaced(document)) is not None:
        raise _damaged(where, f"`{misplaced[:_SHOWN]}` is no address")
    return _state(msgspec.structs.replace(document, bindings=_sparing(document.bindings, {})))


def decode_lines(lines: Iterable[bytes]) -> State | None:
    """Return the state in *lines*, or None where they are not exactly as `encode` makes them.

    Then `decode` must be called. It decodes the whole file at once; here it is done line by line, so that
    file and state are never in memory together, and equal texts only once.
    """
    rest = iter(lines)
    head = b"".join(iter(rest.__next__, _FIRST))
    entries = iter(rest.__next__, _LAST)
    bindings: dict[Address, Binding] = {}
    known: dict[str, str] = {}
    goes_on = True
    try:
        document = _decoder.decode(head + b'  "bindings": {}\n}')
        while batch := list(islice(entries, _BATCH)):
            if not goes_on:
                return None
            goes_on = batch[-1].endswith(b",\n")
            batch[-1] = batch[-1].removesuffix(b"\n").removesuffix(b",")
            bindings |= _sparing(_bindings_decoder.decode(b"".join((b"{", *batch, b"}"))), known)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if goes_on or list(rest) != [b"}\n"] or document.format_version > FORMAT_VERSION:
        return None
    document = msgspec.structs.replace(document, bindings=bindings)
    return None if _misplaced(document) is not None else _state(document)


def _misplaced(document: Document) -> Address | None:
    """Return a malformed address of *document*, which would have no type, or None."""
    flights, intents = document.in_flight.values(), document.intents.values()
    inside = chain((intent.address for intent in intents), *(flight.creates for flight in flights))
    parents = (flight.parent.address for flight in flights if flight.parent is not None)
    places = chain(document.bindings, document.intents, document.in_flight, inside, parents)
    return next(filterfalse(is_well_formed, places), None)


class _Sids(dict[str, str]):
    """Each SID as one text in lower case, by how it is written."""

    def __missing__(self, written: str) -> str:
        self[written] = canonical_sid(written)
        return self[written]


def _sparing(bindings: dict[Address, Binding], known: dict[str, str]) -> dict[Address, Binding]:
    """Return *bindings* with equal texts in memory once: sids of parents repeat, and so do digests.

    *known* are the digests met so far, without those of bodies, which seldom repeat. SIDs that an older
    release stored in capitals are put in lower case.
    """
    sids = _Sids()
    once, put = known.setdefault, force_setattr
    for binding in bindings.values():
        service, conversation, sent = binding.service_sid, binding.conversation_sid, binding.sent
        put(binding, "service_sid", sids[service])
        put(binding, "conversation_sid", sids[conversation])
        if (digits := binding.sid[2:]) != digits.lower() or binding.superseded:
            lower_sids(binding)
        for name, digest in sent.items():
            if name != "body":
                sent[name] = once(digest, digest)
        if not binding.observed:
            put(binding, "observed", _NOTHING)
    return bindings


def lower_sids(decoded: Binding | Intent | InFlight) -> None:
    """Put the SIDs of what was just *decoded* in lower case: older releases also stored capitals."""
    for name in ("sid", "service_sid", "conversation_sid"):
        if sid := getattr(decoded, name, ""):
            force_setattr(decoded, name, canonical_sid(sid))
    for name in ("superseded", "known"):
        if sids := getattr(decoded, name, ()):
            force_setattr(decoded, name, tuple(map(canonical_sid, sids)))


def _state(document: Document) -> State:
    for intent in document.intents.values():
        lower_sids(intent)
    for flight in document.in_flight.values():
        lower_sids(flight)
        if flight.parent is not None:
            lower_sids(flight.parent)
    return State(
        lineage=document.lineage,
        account_sid=canonical_sid(document.account_sid),
        origin=document.origin,
        environment=document.environment,
        serial=document.serial,
        bindings=document.bindings,
        in_flight=document.in_flight,
        intents=document.intents,
        used_plans=document.used_plans,
        open_plan=document.open_plan,
    )


def state_schema() -> dict[str, Any]:
    """Return the JSON Schema of the state file."""
    schema: dict[str, Any] = msgspec.json.decode(_encode(msgspec.json.schema(Document)))  # defaults as JSON
    for definition in schema["$defs"].values():
        if "description" in definition:  # not where Python drops docstrings
            definition["description"] = cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:conversations-reconciler:schema:state:{FORMAT_VERSION}",
        "title": "reconciler state",
        **schema,
    }


def _lines(members: Mapping[Address, Struct]) -> bytes:
    if not members:
        return b"{}"
    lines = [b"    %s: %s" % (_encode(address), _encode(member)) for address, member in members.items()]
    return b"{\n" + b",\n".join(lines) + b"\n  }"


def _explain(data: bytes, where: str, error: Exception) -> StateError:
    """Return the error for *data*, which could not be decoded because of *error*."""
    if b'"moved_to"' in data[:_MARKED_WITHIN]:
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            marker = msgspec.json.decode(data, type=Marker)
            return Moved(where, marker.moved_to, lineage=marker.lineage, serial=marker.serial)
    if not data.strip(b"\0 \t\r\n"):
        return StateError(
            f"the state `{where}` is empty",
            hint=f"put back a good copy, such as `{where}.backup`; or remove it to start without a state",
        )
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _no_json(data, where, error)
    if not isinstance(document, dict) or not {"format_version", "lineage"} <= document.keys():
        return _foreign(where)
    version = document["format_version"]
    if type(version) is int and version > FORMAT_VERSION:
        return _newer(where, version)
    return _damaged(where, _first_misfit(document) or json_fault(data, error))


def _no_json(data: bytes, where: str, error: Exception) -> StateError:
    if encoding := encoding_of(data):
        return StateError(
            f"`{where}` is {encoding}; a state is plain UTF-8",
            hint="save it as UTF-8 without a byte order mark, or put back a good copy, such as "
            f"`{where}.backup`; the file was left as it is",
        )
    if conflict := _CONFLICT.search(data):
        line = data.count(b"\n", 0, conflict.start()) + 1
        return _damaged(where, f"git left the marks of a conflict in it, from line {line:,} on")
    return _damaged(where, json_fault(data, error)) if data.lstrip()[:1] == b"{" else _foreign(where)


def _damaged(where: str, detail: str) -> StateError:
    return StateError(
        f"the state `{where}` is damaged: {detail}",
        hint=f"put back a good copy, such as `{where}.backup`; the damaged file was left as it is",
    )


def _foreign(where: str) -> StateError:
    return StateError(
        f"`{where}` is no state of reconciler", hint="correct `--state`; the file was left as it is"
    )


def _newer(where: str, version: int) -> StateError:
    return StateError(
        f"the state `{where}` was made by a newer release (format version {version}; this release reads "
        f"{FORMAT_VERSION})",
        hint="upgrade reconciler",
    )


def _first_misfit(document: dict[str, Any]) -> str | None:
    """Name the entry that has the wrong shape: the decoder's own message leaves out its address."""
    shapes: tuple[tuple[str, type[Struct]], ...] = (
        ("bindings", Binding),
        ("in_flight", InFlight),
        ("intents", Intent),
    )
    for section, shape in shapes:
        entries = document.get(section)
        for address, entry in entries.items() if isinstance(entries, dict) else ():
            try:
                msgspec.convert(entry, shape)
            except msgspec.ValidationError as error:
                return f"`{address[:_SHOWN]}` in `{section}` is not what is expected there ({quoted(error)})"
    return None
