"""Delete throw-away services that earlier runs left behind, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.errors import NotFound, RemoteError
from reconciler.model.canonical import canonical_date
from reconciler.operations.ephemeral import Label
from reconciler.runtime.concurrency import each

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


class Leftover(Struct, frozen=True):
    """A live throw-away service. *made_at* is the server's date, as a test may set its own clock."""

    sid: str
    friendly_name: str
    label: Label
    made_at: datetime


async def leftovers(client: Twilio, workspace: str) -> list[Leftover]:
    """Return the throw-away services of *workspace*, those in use included, the oldest first."""
    found = []
    async for page in client.service_pages():
        for service in page:
            label = Label.of(service.friendly_name)
            if label is not None and label.workspace == workspace:
                made_at = datetime.fromisoformat(canonical_date(service.date_created) or label.made_at)
                found.append(Leftover(service.sid, service.friendly_name or "", label, made_at))
    return sorted(found, key=lambda one: one.made_at)


async def delete_services(client: Twilio, sids: Sequence[str], *, at_once: int) -> dict[str, RemoteError]:
    """Delete services with everything in them; return the errors of those that could not be deleted.

    A service that does not exist any more counts as deleted.
    """
    failed: dict[str, RemoteError] = {}

    async def delete(sid: str) -> None:
        try:
            await client.delete_service(sid)
        except NotFound:
            pass
        except RemoteError as error:
            failed[sid] = error

    await each(sids, delete, at_once=at_once)
    return failed
