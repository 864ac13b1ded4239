"""Events of libyaml that are cheap to make.

ruamel's own event classes call three functions of Python for each event, which is nearly half of the time
of reading. The C parser looks its classes up by name in its module, so another one can stand there; that
changes what the whole process gets, and therefore only a process of our own may do it: see `workers`.
"""

from __future__ import annotations

from typing import Any

import _ruamel_yaml as libyaml
from msgspec import Struct


class MappingEndEvent(Struct, gc=False):
    """The end of a mapping."""

    start_mark: Any
    end_mark: Any


class SequenceEndEvent(Struct, gc=False):
    """The end of a list."""

    start_mark: Any
    end_mark: Any


class MappingStartEvent(Struct, gc=False):
    """The start of a mapping; *ctag* is its tag."""

    anchor: str | None
    ctag: str | None
    implicit: bool
    start_mark: Any
    end_mark: Any
    flow_style: bool | None


class SequenceStartEvent(Struct, gc=False):
    """The start of a list."""

    anchor: str | None
    ctag: str | None
    implicit: bool
    start_mark: Any
    end_mark: Any
    flow_style: bool | None


class ScalarEvent(Struct, gc=False):
    """A text; *style* is how it is quoted, and empty for a plain one."""

    anchor: str | None
    ctag: str | None
    implicit: tuple[bool, bool]
    value: str
    start_mark: Any
    end_mark: Any
    style: str


def take_over() -> None:
    """Let the C parser make these events from now on, in the whole process."""
    for event in (MappingEndEvent, SequenceEndEvent, MappingStartEvent, SequenceStartEvent, ScalarEvent):
        setattr(libyaml, event.__name__, event)
