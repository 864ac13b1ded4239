"""Events of libyaml that are cheap to make.

ruamel's own event classes call three functions of Python for each event, which is nearly half of the time
of reading. The C parser looks its classes up by name in its module, so another one can stand there; that
changes what the whole process gets, and therefore only a process of our own may do it: see `workers`.
"""

from __future__ import annotations

from typing import Any, Final

import _ruamel_yaml as libyaml
from msgspec import Struct


class _End(Struct, gc=False):
    start_mark: Any
    end_mark: Any


class MappingEndEvent(_End, gc=False):
    """The end of a mapping."""


class SequenceEndEvent(_End, gc=False):
    """The end of a list."""


class _Start(Struct, gc=False):
    anchor: str | None
    ctag: str | None
    implicit: bool
    start_mark: Any
    end_mark: Any
    flow_style: bool | None


class MappingStartEvent(_Start, gc=False):
    """The start of a mapping; *ctag* is its tag."""


class SequenceStartEvent(_Start, gc=False):
    """The start of a list."""


class ScalarEvent(Struct, gc=False):
    """A text; *style* is how it is quoted, and empty for a plain one."""

    anchor: str | None
    ctag: str | None
    implicit: tuple[bool, bool]
    value: str
    start_mark: Any
    end_mark: Any
    style: str


EVENTS: Final = (MappingEndEvent, SequenceEndEvent, MappingStartEvent, SequenceStartEvent, ScalarEvent)
"""Those that stand in for ruamel's, whose names they have."""


def take_over() -> None:
    """Let the C parser make these events from now on, in the whole process."""
    for event in EVENTS:
        setattr(libyaml, event.__name__, event)
