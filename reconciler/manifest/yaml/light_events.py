"""Event classes for libyaml that are cheap to make.

The classes of ruamel.yaml call three Python functions for each event, which is nearly half of the time of
reading. The C parser looks its classes up by name in its module, so they can be replaced there. As that
changes the whole process, only a process of our own may do it: see `workers`.
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
    """A scalar; *style* is its quote or block sign, and empty for a plain one."""

    anchor: str | None
    ctag: str | None
    implicit: tuple[bool, bool]
    value: str
    start_mark: Any
    end_mark: Any
    style: str


EVENTS: Final = (MappingEndEvent, SequenceEndEvent, MappingStartEvent, SequenceStartEvent, ScalarEvent)
"""The classes that replace those of the same names in ruamel.yaml."""


def take_over() -> None:
    """Make the C parser use these classes from now on, in the whole process."""
    for event in EVENTS:
        setattr(libyaml, event.__name__, event)
