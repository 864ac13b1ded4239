"""The part of all addresses that a plan is about: `--target` and `--exclude`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.model import Address, matches, parent_of


class Selection(Struct, frozen=True):
    """The part of all addresses that a plan is about: *targets* without *excludes*.

    A glob that matches a service or a conversation selects everything in it.
    """

    targets: tuple[str, ...]
    """Globs of addresses; without any, all addresses are selected."""
    excludes: tuple[str, ...]
    """Globs of addresses."""

    def __contains__(self, address: Address) -> bool:
        if _named(address, self.excludes):
            return False
        return not self.targets or _named(address, self.targets)

    def unmatched(self, addresses: Iterable[Address]) -> list[str]:
        """Return the globs that match none of *addresses*."""
        known = list(addresses)
        return [
            glob
            for glob in (*self.targets, *self.excludes)
            if not any(matches(address, glob) for address in known)
        ]


def _named(address: Address, globs: tuple[str, ...]) -> bool:
    """Return True if a glob matches *address* or a parent of it."""
    return any(matches(address, glob) for glob in globs) or (
        "/" in address and _named(parent_of(address), globs)
    )
