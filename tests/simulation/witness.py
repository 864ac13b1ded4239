"""Objects that count what is done to the state in them."""

from __future__ import annotations

from reconciler.state.stores import lease as leases
from reconciler.state.stores import segments
from reconciler.state.stores.segments import HEAD, LEASE
from tests.support.blobs import Objects


class Witness(Objects):
    """What is stored, and how often a snapshot took the place of another, and a run that of another."""

    def __init__(self, place: str, serials: list[int]) -> None:
        """*place* is its address. *serials* are those of the state; snapshots here add theirs."""
        super().__init__()
        self.place = place
        self.folds = 0
        self.takeovers = 0
        """The leases taken from holders that had not released them: they had ended, or were unlocked."""
        self._serials = serials

    def put(self, name: str, data: bytes, now: float) -> str:
        """Store an object."""
        if name == HEAD:
            self.folds += HEAD in self.blobs
            head = segments.decode_head(data, self.place)
            if not head.moved_to:
                self._serials.append(head.serial)
        elif name == LEASE and LEASE in self.blobs:
            before = leases.decode(self.blobs[LEASE].data, self.place)
            is_left = before.free and before.expiry <= now
            self.takeovers += not is_left and leases.decode(data, self.place).epoch > before.epoch
        return super().put(name, data, now)
