"""Conversations: names, states, timers."""

from __future__ import annotations

from typing import Any, Final

from reconciler.emulator import fields as read
from reconciler.emulator.account import Account
from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.decisions import CONVERSATION_ATTRIBUTES_BYTES
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.records import Conversation
from reconciler.emulator.services import Services

_STATES: Final = ("active", "inactive", "closed")
STATE: Final = """CASE
  WHEN state = 'closed' OR touched_at + closed_after <= present() THEN 'closed'
  WHEN state = 'active' AND touched_at + inactive_after <= present() THEN 'inactive'
  ELSE state END"""
"""SQL for the present state of a conversation, its timers taken into account."""
_SELECT: Final = f"""SELECT c.id, c.sid, s.sid, c.friendly_name, unique_name, attributes,
  messaging_service_sid,
  {STATE}, touched_at + inactive_after, touched_at + closed_after, email_address, email_name,
  next_index, c.date_created, c.date_updated
  FROM conversations c JOIN services s ON s.id = c.service"""  # noqa: S608 (own text)
_RUN_OUT: Final = f"""SELECT c.id, s.sid, c.sid, state, {STATE}
  FROM conversations c JOIN services s ON s.id = c.service
  WHERE (inactive_after IS NOT NULL OR closed_after IS NOT NULL) AND state != {STATE}"""  # noqa: S608 (own text)
_CREATION: Final = "c.date_created || printf('%020d', c.id)"
"""SQL for the key that orders conversations by creation: the date, and then the order of arrival."""
_ACTIVITY: Final = "(SELECT coalesce(max(activity), 0) + 1 FROM conversations WHERE service = {service})"


class Conversations:
    """The conversations of services; a `ref` is a sid or a unique name."""

    def __init__(self, database: Database, services: Services, account: Account) -> None:
        self._database = database
        self._services = services
        self._account = account

    def create(self, service_sid: str, fields: Fields) -> Conversation:
        """Create a conversation; 409/50353 if the unique name is taken, also by a closed one."""
        with self._database.transaction():
            service = self._services.get(service_sid)
            values = self._checked(service.id, {**self._account.default_timers(), **fields})
            if values.get("state") == "closed":
                raise ApiError(50384, "Initial state can't be 'closed'")
            sid, today = self._database.new_sid("CH"), self._database.today()
            values = {
                "sid": sid,
                "service": service.id,
                "attributes": "{}",
                "messaging_service_sid": self._account.messaging_service_sid,
                "state": "active",
                "touched_at": self._database.present(),
                "date_created": today,
            } | values
            values.setdefault("date_updated", values["date_created"])
            marks = ", ".join("?" * len(values))
            self._database.execute(
                f"INSERT INTO conversations ({', '.join(values)}, activity)"  # noqa: S608 (own names)
                f" VALUES ({marks}, {_ACTIVITY.format(service=service.id)})",
                (*values.values(),),
            )
            return self.get(service_sid, sid)

    def _checked(self, service: int, fields: Fields) -> dict[str, Any]:
        unique_name = read.name(fields, "UniqueName", 50004, "Unique name too long")
        if unique_name:
            self._check_unique(service, unique_name)
        state = fields.get("State")
        if state == "initializing":
            raise ApiError(50386, "State 'initializing' can't be set")
        if state == "":
            raise ApiError(50374, "'State' field can't be empty")
        if state is not None and state not in _STATES:
            raise ApiError(50378, "'State' parameter value is invalid")
        values = {
            "friendly_name": read.name(fields, "FriendlyName", 50003, "Friendly name too long"),
            "unique_name": unique_name,
            "attributes": read.attributes(fields, CONVERSATION_ATTRIBUTES_BYTES),
            "messaging_service_sid": read.sid(fields, "MessagingServiceSid", "MG", code=50341),
            "state": state,
            **read.timers(fields),
            "email_address": fields.get("Bindings.Email.Address"),
            "email_name": fields.get("Bindings.Email.Name"),
            "date_created": read.date(fields, "DateCreated"),
            "date_updated": read.date(fields, "DateUpdated"),
        }
        values = {column: value for column, value in values.items() if value is not None}
        if unique_name == "":
            values["unique_name"] = None
        return values

    def _check_unique(self, service: int, unique_name: str) -> None:
        if read.is_sid("CH", unique_name):
            raise ApiError(50390, "Unique name should not match conversation sid pattern")
        if self._database.one(
            "SELECT 1 FROM conversations WHERE service = ? AND unique_name = ?", (service, unique_name)
        ):
            raise ApiError(50353, "Conversation with provided unique name already exists", 409)

    def get(self, service_sid: str, ref: str) -> Conversation:
        """Return one conversation."""
        column = "c.sid" if read.is_sid("CH", ref) else "unique_name"
        row = self._database.one(f"{_SELECT} WHERE s.sid = ? AND {column} = ?", (service_sid, ref))
        if row is None or self._database.hides(row[1]):
            raise NotFound
        return Conversation(*row)

    def get_open(self, service_sid: str, ref: str) -> Conversation:
        """Return one conversation that is not closed; 50377 if it is."""
        conversation = self.get(service_sid, ref)
        if conversation.state == "closed":
            raise ApiError(50377, "Can't update conversation as it's in final closed state")
        return conversation

    def page(self, service_sid: str, filters: Fields, start: Start, size: int) -> Page:
        """Return a page of `Conversation` rows, the key first in each.

        *filters* may hold `State`, and `StartDate` and `EndDate` as `YYYY-MM-DD`: both days included.
        """
        service = self._services.get(service_sid)
        sql = f"{_SELECT} WHERE c.service = ?{self._database.visible('c.sid')}"
        values: list[object] = [service.id]
        key = "c.activity"
        for parameter, comparison in (("StartDate", ">="), ("EndDate", "<=")):
            if parameter in filters:
                key = _CREATION
                sql += f" AND substr(c.date_created, 1, 10) {comparison} ?"
                values.append(filters[parameter][:10])
        if "State" in filters:
            sql += f" AND {STATE} = ?"
            values.append(filters["State"])
        sql = sql.replace("SELECT c.id", f"SELECT {key}, c.id", 1)
        return self._database.page(sql, values, key=key, descending=True, start=start, size=size)

    def update(self, service_sid: str, ref: str, fields: Fields) -> Conversation:
        """Change what *fields* mentions; a closed conversation stays as it is (50377)."""
        with self._database.transaction():
            conversation = self.get_open(service_sid, ref)
            others = dict(fields)
            if others.get("UniqueName") == conversation.unique_name:
                others.pop("UniqueName", None)
            service = self._services.get(service_sid)
            values = self._checked(service.id, others)
            if values:
                values.setdefault("date_updated", self._database.today())
                values["touched_at"] = self._database.present()
                values.setdefault("state", conversation.state)
                self._database.change("conversations", conversation.id, values)
                self._active(conversation.id)
            return self.get(service_sid, conversation.sid)

    def run_out(self) -> list[tuple[str, str, str]]:
        """Store the states of conversations whose timers ran out.

        Returns the sid of the service, the sid of the conversation and the state before, of each.
        """
        rows = self._database.all(_RUN_OUT)
        for number, _, _, _, state in rows:
            self._database.change("conversations", number, {"state": state})
        return [(service, sid, before) for _, service, sid, before, _ in rows]

    def received(self, conversation: Conversation) -> None:
        """Record an arrived message: raise the index, restart the timers, revive an inactive conversation."""
        self._database.execute(
            "UPDATE conversations SET next_index = ?, touched_at = ?, state = 'active' WHERE id = ?",
            (conversation.next_index + 1, self._database.present(), conversation.id),
        )
        self._active(conversation.id)

    def _active(self, conversation: int) -> None:
        following = _ACTIVITY.format(service="conversations.service")
        self._database.execute(
            f"UPDATE conversations SET activity = {following} WHERE id = ?",  # noqa: S608 (own text)
            (conversation,),
        )

    def delete(self, service_sid: str, ref: str) -> None:
        """Delete a conversation with its messages and participants, closed or not."""
        self._database.execute("DELETE FROM conversations WHERE id = ?", (self.get(service_sid, ref).id,))
