"""Small resources, which the store keeps as JSON: roles, webhooks, addresses, credentials, settings.

The rules for their fields are where the resource is: in `settings/` and `webhooks/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.errors import NotFound

_SELECT: Final = "SELECT id, sid, document FROM resources"
_encode: Final = msgspec.json.Encoder().encode


class Resource(msgspec.Struct, frozen=True):
    """One resource; *values* are its fields in a reply, but for sids of parents and urls."""

    id: int
    sid: str
    values: dict[str, Any]

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Resource:
        """Return the resource of one row."""
        number, sid, document = row
        return cls(number, sid, msgspec.json.decode(document))


@dataclass(frozen=True, slots=True)
class Shelf:
    """All resources of one kind that have the same parents: the rows of a *service* or a *conversation*."""

    database: Database
    kind: str
    prefix: str
    service: int | None = None
    conversation: int | None = None

    @property
    def _where(self) -> tuple[str, tuple[object, ...]]:
        return "kind = ? AND service IS ? AND conversation IS ?", (
            self.kind,
            self.service,
            self.conversation,
        )

    def create(self, values: dict[str, Any]) -> Resource:
        """Keep a new resource, with its dates."""
        today = self.database.today()
        return self._insert(
            self.database.new_sid(self.prefix), values | {"date_created": today, "date_updated": today}
        )

    def _insert(self, sid: str, values: dict[str, Any]) -> Resource:
        row = self.database.execute(
            "INSERT INTO resources (sid, kind, service, conversation, document) VALUES (?, ?, ?, ?, ?)",
            (sid, self.kind, self.service, self.conversation, _encode(values).decode()),
        )
        return Resource(row, sid, values)

    def get(self, sid: str) -> Resource:
        """Return one resource."""
        where, bound = self._where
        row = self.database.one(f"{_SELECT} WHERE {where} AND sid = ?", (*bound, sid))
        if row is None:
            raise NotFound
        return Resource.of(row)

    def all(self) -> list[Resource]:
        """Return every resource, in order of creation."""
        where, bound = self._where
        return [Resource.of(row) for row in self.database.all(f"{_SELECT} WHERE {where} ORDER BY id", bound)]

    def page(self, start: Start, size: int, field: tuple[str, str] | None = None) -> Page:
        """Return a page of rows, in order of creation; `Resource.of` reads one.

        With *field*, a name and a value, only the rows in which that field has that value.
        """
        where, bound = self._where
        if field is not None:
            name, value = field
            where += " AND json_extract(document, ?) = ?"
            bound = (*bound, f"$.{name}", value)
        return self.database.page(
            f"{_SELECT} WHERE {where}", bound, key="id", descending=False, start=start, size=size
        )

    def update(self, sid: str, values: dict[str, Any]) -> Resource:
        """Change fields; without any, nothing happens."""
        with self.database.transaction():
            found = self.get(sid)
            if not values:
                return found
            changed = found.values | {"date_updated": self.database.today()} | values
            self.database.change("resources", found.id, {"document": _encode(changed).decode()})
            return Resource(found.id, sid, changed)

    def delete(self, sid: str) -> None:
        """Delete one resource."""
        self.database.execute("DELETE FROM resources WHERE id = ?", (self.get(sid).id,))

    def setting(self) -> dict[str, Any]:
        """Return the fields of a resource of which there is one for each parent; none if it was never set."""
        where, bound = self._where
        row = self.database.one(f"{_SELECT} WHERE {where}", bound)
        return {} if row is None else Resource.of(row).values

    def set(self, values: dict[str, Any]) -> None:
        """Replace the fields of a resource of which there is one for each parent."""
        with self.database.transaction():
            where, bound = self._where
            self.database.execute(f"DELETE FROM resources WHERE {where}", bound)  # noqa: S608 (own text)
            self._insert(f"{self.kind}/{self.service}", values)
