"""The least that a no-op plan must do: read the YAML, decode the JSON, compare. Not how it is done.

Run as `python -m tests.benchmarks._floor MANIFESTS PAGES`; prints the seconds of CPU that the work took. The
reader builds plain values from the events of the same C parser, with the line of every list item, and
checks nothing. The pages are files that hold the bodies of the same replies; the collector is off.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from _ruamel_yaml import CParser
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

_PLAIN = {"true": True, "false": False, "null": None, "1": 1}
_FIELDS = ("author", "body", "date_created")


class _Message(msgspec.Struct, gc=False):
    sid: str
    author: str
    body: str
    attributes: str
    date_created: str


class _Page(msgspec.Struct, gc=False):
    messages: list[_Message]


def main(manifests: Path, pages: Path) -> None:
    """Do the work once, and print its cost."""
    files = sorted(manifests.iterdir())
    replies = sorted(pages.iterdir())
    gc.disable()
    began = time.process_time()
    desired = {
        (conversation, message["key"]): message
        for file in files
        for service in _read(file.read_bytes())["services"].values()
        for conversation, fields in service["conversations"].items()
        for message in fields["messages"]
    }
    parsed = time.process_time()
    decode = msgspec.json.Decoder(_Page).decode
    live = [message for reply in replies for message in decode(reply.read_bytes()).messages]
    decoded = time.process_time()
    equal = sum(
        {"author": ours["author"], "body": ours["body"], "date_created": ours["date_created"]}
        == {"author": theirs.author, "body": theirs.body, "date_created": theirs.date_created}
        for ours, theirs in zip(desired.values(), live, strict=True)
    )
    ended = time.process_time()
    assert equal
    sys.stdout.write(f"{parsed - began} {decoded - parsed} {ended - decoded}\n")


def _read(data: bytes) -> Any:
    next_event = CParser(data).get_event
    lines: list[int] = []
    next_event()
    next_event()
    return _node(next_event(), next_event, lines)


def _node(event: Any, next_event: Callable[[], Any], lines: list[int]) -> Any:
    kind = type(event)
    if kind is ScalarEvent:
        return event.value if event.style else _PLAIN.get(event.value, event.value)
    if kind is MappingStartEvent:
        fields: dict[str, Any] = {}
        while True:
            event = next_event()
            if type(event) is MappingEndEvent:
                return fields
            key = event.value
            event = next_event()
            if type(event) is ScalarEvent:
                value = event.value
                fields[key] = value if event.style else _PLAIN.get(value, value)
            else:
                fields[key] = _node(event, next_event, lines)
    items: list[Any] = []
    while True:
        event = next_event()
        if type(event) is SequenceEndEvent:
            return items
        lines.append(event.start_mark.line)
        items.append(_node(event, next_event, lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
