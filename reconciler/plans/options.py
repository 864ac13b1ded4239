"""The options of a plan."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from reconciler.errors import UsageError, require_several
from reconciler.model import Address
from reconciler.plans.selection import Selection

Choice: TypeAlias = bool | str
"""The addresses that an option applies to: all, none, or those that a glob matches."""


class Options(Struct, frozen=True):
    """The options of a plan, as on the command line."""

    destroy: bool = False
    """Remove everything that is bound: the command `destroy`."""
    refresh_only: bool = False
    """Send nothing, and make the state say what is live: `--refresh-only`."""
    adopt: Choice = False
    """The addresses that take over an unmanaged message equal to what they would create: `--adopt`."""
    duplicate: Choice = False
    """The addresses that create such a message again: `--duplicate`."""
    replace: tuple[Address, ...] = ()
    """Messages to post again and conversations to make anew: `--replace`."""
    targets: tuple[str, ...] = ()
    """Globs of addresses that the plan is about; empty means all: `--target`."""
    excludes: tuple[str, ...] = ()
    """Globs of addresses that it is not about: `--exclude`."""
    max_delete: float | None = None
    """The most messages that may be deleted or replaced: `--max-delete`.

    None is the limit of the guard.
    """
    max_delete_percent: bool = False
    """Whether *max_delete* is a percentage of the bound messages, not a number."""
    allow_recreate: bool = False
    """Create again any number of messages that vanished remotely: `--allow-recreate`."""
    allow_close: bool = False
    """Permit the state `closed`, which is final: `--allow-close`."""
    allow_delivery: bool = False
    """Permit messages that reach participants outside the chat: `--allow-delivery`."""
    record: bool = False
    """Bring bindings up to date where nothing is to be done.

    `apply` asks for it; `plan` need not pay for it.
    """
    re_anchor: bool = False
    """Let relative timelines begin anew: `--re-anchor`."""
    is_seldom_written: bool = False
    """Whether the state is in a store that is written every 30 s, as git and HTTP are."""
    reset: bool = False
    """Make conversations equal their manifest again, whatever was changed in them: `--reset`."""

    def __post_init__(self) -> None:
        several = ("replace", "targets", "excludes")
        require_several({f"Options.{name}": getattr(self, name) for name in several})
        for name in ("adopt", "duplicate"):
            if not isinstance(getattr(self, name), bool | str):
                raise UsageError(f"`Options.{name}` is neither True, False nor a glob over addresses")
        if not _is_limit(self.max_delete) or (self.max_delete_percent and self.max_delete is None):
            raise UsageError(
                f"`Options.max_delete` must be a number from 0, not {self.max_delete!r}",
                hint="a percentage is `max_delete=30, max_delete_percent=True`",
            )

    @property
    def globs(self) -> tuple[str, ...]:
        """Every glob over addresses that was given."""
        chosen = (one for one in (self.adopt, self.duplicate) if isinstance(one, str))
        return (*self.targets, *self.excludes, *chosen)

    def adopts(self, address: Address) -> bool:
        """Return whether *address* is to adopt an unmanaged message equal to what it would create."""
        return _means(address, self.adopt)

    def duplicates(self, address: Address) -> bool:
        """Return whether *address* is to be created even if an equal message exists.

        An address that `--adopt` names too is not: a message that is posted twice cannot be taken back.
        """
        return _means(address, self.duplicate) and not self.adopts(address)


def _is_limit(value: object) -> bool:
    """Return whether *value* is a number from 0, or None for the limit of the guard; NaN limits nothing."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)


def _means(address: Address, choice: Choice) -> bool:
    return address in Selection((choice,), ()) if isinstance(choice, str) else choice
