"""What a plan was made from, for those who show more than its actions."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model import Desired, Remote
from reconciler.state.index import BindingIndex


class Seen(Struct, frozen=True):
    """What a plan was made from."""

    desired: Desired = Desired(services=(), digest="")
    """The manifests, with relative times resolved."""
    remote: Remote = Remote()
    """What was read."""
    bound: BindingIndex = BindingIndex()
    """The bindings of the state."""
