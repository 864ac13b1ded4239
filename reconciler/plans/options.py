"""What a planner may be asked for."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from reconciler.errors import UsageError, require_several
from reconciler.model import Address
from reconciler.plans.selection import Selection

Choice: TypeAlias = bool | str
"""Which addresses a flag is about: all, none, or those that a glob names."""


class Options(Struct, frozen=True):
    """What a planner may be asked for; each is a flag of the command line.

    *adopt* takes over messages that say what would be created, *duplicate* creates them again. *max_delete*
    is a number of messages, or a percentage if *max_delete_percent*. *targets* and *excludes* are globs
    over addresses. *record* asks for the bindings to be brought up to date where nothing is to be done,
    which `apply` wants and `plan` need not pay for. *refresh_only* asks for a plan that sends nothing,
    *re_anchor* for timelines that begin anew, *reset* for conversations that equal their manifest again,
    whatever was done in them. Raises UsageError for values of another type, which would mean something else.
    """

    destroy: bool = False
    refresh_only: bool = False
    adopt: Choice = False
    duplicate: Choice = False
    replace: tuple[Address, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    max_delete: float | None = None
    max_delete_percent: bool = False
    allow_recreate: bool = False
    allow_close: bool = False
    allow_delivery: bool = False
    record: bool = False
    re_anchor: bool = False
    reset: bool = False

    def __post_init__(self) -> None:
        for name in ("replace", "targets", "excludes"):
            require_several(f"Options.{name}", getattr(self, name))
        for name in ("adopt", "duplicate"):
            if not isinstance(getattr(self, name), bool | str):
                raise UsageError(f"`Options.{name}` is neither True, False nor a glob over addresses")
        if not isinstance(self.max_delete, int | float | None):
            raise UsageError(
                f"`Options.max_delete` is no number, but {self.max_delete!r}",
                hint="a percentage is `max_delete=30, max_delete_percent=True`",
            )

    @property
    def globs(self) -> tuple[str, ...]:
        """Every glob over addresses that was given."""
        chosen = (one for one in (self.adopt, self.duplicate) if isinstance(one, str))
        return (*self.targets, *self.excludes, *chosen)

    def adopts(self, address: Address) -> bool:
        """Return True if *address* is to take over a message that says what it would create."""
        return _means(address, self.adopt)

    def duplicates(self, address: Address) -> bool:
        """Return True if *address* is to be created even where a message stands that says the same."""
        return _means(address, self.duplicate)


def _means(address: Address, choice: Choice) -> bool:
    return address in Selection((choice,), ()) if isinstance(choice, str) else choice
