"""What the state remembers of an object."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconciler.model import RemoteMessage
from reconciler.resources.message import MESSAGE, live_values
from reconciler.resources.schema import Digest, Paths, digests, wholly_ignored
from reconciler.state.model import Binding


def rebound(
    binding: Binding,
    live: RemoteMessage,
    managed: Mapping[str, str],
    digest: Digest,
    *,
    ignored: Paths,
    sensitive: tuple[str, ...],
) -> Binding:
    """Return *binding* with digests that say what the *managed* fields are declared as and *live* shows."""
    sent, observed = digests(MESSAGE, managed, live_values(live), digest, ignored=ignored)
    for name in MESSAGE.unseen & wholly_ignored(ignored) & sent.keys():
        del sent[name]  # it was not sent now
        if name in binding.sent:
            sent[name] = binding.sent[name]
    return msgspec.structs.replace(
        binding,
        index=live.index,
        sent=sent,
        observed=observed,
        imported=False,
        released=False,
        sensitive=sensitive,
        ignored=ignored,
    )
