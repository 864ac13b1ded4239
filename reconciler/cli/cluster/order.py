"""What a task is told, and what it answers: JSON bytes, without credentials."""

from __future__ import annotations

from msgspec import Struct


class Order(Struct, frozen=True):
    """A command for one part."""

    arguments: tuple[str, ...]
    """The arguments of `reconciler`, those for the result aside."""
    folder: str
    """The working folder, which every worker has."""
    run: str
    """The name of the run that it belongs to, by which it can be stopped."""
    plan: bytes = b""
    """The saved plan of `apply`; empty for `plan`."""
    paths: tuple[str, ...] = ()
    """The manifests."""


class Reply(Struct, frozen=True):
    """How a command ended."""

    worker: str
    """The worker that carried it out."""
    code: int
    """The exit code."""
    told: str
    """What it printed on stderr."""
    result: bytes = b""
    """The part of a plan, or the outcome as JSON; empty if there is none."""
