"""Which addresses a plan is about, as `--target` and `--exclude` say."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.model import Address, matches, parent_of


class Selection(Struct, frozen=True):
    """Globs over addresses; naming a service or a conversation names everything in it.

    Without *targets* everything is meant but the *excludes*.
    """

    targets: tuple[str, ...]
    excludes: tuple[str, ...]

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
