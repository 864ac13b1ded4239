"""One request, as the operations receive it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from reconciler.emulator import paging
from reconciler.emulator.database import Page
from reconciler.emulator.fields import Fields
from reconciler.emulator.options import EmulatorOptions
from reconciler.emulator.paging import Cut, Trouble
from reconciler.emulator.store import Store
from reconciler.emulator.wire import Home, Reply

_IN_MEMORY: Final = 256 * 1024
"""Bytes of a body that are kept in memory; a larger one is kept on disk."""


def new_body() -> IO[bytes]:
    """Return an empty body to be filled; whoever asks for it closes it."""
    return SpooledTemporaryFile(max_size=_IN_MEMORY)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and authenticated."""

    store: Store
    options: EmulatorOptions
    origin: str
    path: str
    account_sid: str
    names: dict[str, str]
    """The values of `{service}`, `{conversation}`… in the path."""
    query: Fields
    form: Fields
    pairs: Sequence[tuple[str, str]] = ()
    """The form once more, with every value of a parameter that is repeated."""
    body: IO[bytes] = field(default_factory=BytesIO)
    content_type: str = ""
    webhooks: bool = False
    source: str = "API"
    """Where it comes from, in the words of webhooks: `API`, `SDK`, `SMS`."""
    client_identity: str = ""
    """Whose chat client it comes from, if it does."""
    trouble: Trouble = field(default_factory=Trouble)

    @property
    def home(self) -> Home:
        """The service in the path, or the default one."""
        sid = self.names.get("service")
        if sid is not None:
            return Home(self.account_sid, sid, f"{self.origin}/v1/Services/{sid}", default=False)
        return Home(self.account_sid, self.store.services.default().sid, f"{self.origin}/v1", default=True)

    def values(self, name: str) -> list[str] | None:
        """Return the values of a parameter that may be repeated; None if it was not sent."""
        return [value for one, value in self.pairs if one == name] or None

    def cut(self, maximum: int) -> Cut:
        """Return the requested page, of at most *maximum* records."""
        maximum = min(maximum, self.options.max_page_size)
        return paging.cut(self.query, maximum=maximum, refuse=self.options.refuse_large_pages)

    def page(self, name: str, page: Page, place: Cut, encode: Callable[[list[Any]], bytes]) -> Reply:
        """Return a page of a list."""
        url = self.origin + self.path
        return Reply(
            200,
            paging.body(name, page, place, url=url, query=self.query, encode=encode, trouble=self.trouble),
        )
