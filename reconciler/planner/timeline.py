"""Resolve relative times, from the anchor in the state, or from now.

A conversation is anchored once, at its first plan, so that later plans find nothing to change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.errors import PlanError
from reconciler.model import (
    UTC_NAMES,
    Address,
    Anchor,
    Conversation,
    Desired,
    Message,
    Moment,
    Order,
    Timeline,
    declared_conversations,
    map_conversations,
)
from reconciler.model.canonical import canonical_instant
from reconciler.plans.plan import PlanWarning
from reconciler.state.model import State

_DAY: Final = timedelta(days=1)


class Timed(Struct, frozen=True):
    """Manifests in which every date is absolute."""

    desired: Desired
    doubts: tuple[PlanWarning, ...] = ()
    """What the authors of the manifests may not have meant, in any part of them."""
    odd: tuple[PlanWarning, ...] = ()
    """What is odd about values and dates of these conversations."""

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """All of these."""
        return (*self.doubts, *self.odd)


def resolve_times(desired: Desired, state: State | None, now: datetime, *, re_anchor: bool = False) -> Timed:
    """Return *desired* with its timelines resolved, and its dates checked, at the moment *now*.

    With *re_anchor*, or where the manifest gives another start or zone than the one that is pinned, a
    conversation starts anew. Raises PlanError for a date that no calendar has.
    """
    bindings = state.bindings if state is not None else {}
    anchors = {address: binding.anchor for address, binding in bindings.items() if binding.anchor is not None}
    told = [(one.of_conversation, PlanWarning(one.code, one.address, one.text)) for one in desired.doubts]
    doubts = tuple(warning for of_conversation, warning in told if not of_conversation)
    warnings = [warning for of_conversation, warning in told if of_conversation]
    changed: dict[Address, Conversation] = {}
    for address, one in declared_conversations(desired):
        if one.timeline is not None:
            pinned = None if re_anchor else anchors.get(address)
            try:
                changed[address] = _resolved(address, one, one.timeline, pinned, now, warnings)
            except OverflowError as error:
                raise PlanError(
                    f"the timeline of `{address}` leaves the calendar",
                    hint=f"check it at {one.path}:{one.line}",
                ) from error
    if changed:
        desired = map_conversations(desired, changed.get)
    warnings += _odd_dates(desired, canonical_instant(now))
    return Timed(desired, doubts, tuple(warnings))


def _resolved(
    address: Address,
    one: Conversation,
    timeline: Timeline,
    pinned: Anchor | None,
    now: datetime,
    warnings: list[PlanWarning],
) -> Conversation:
    clock = _Clock(_zone(timeline.zone))
    anchor = None
    if timeline.start is None:
        begin = datetime.fromisoformat(timeline.fixed or "")
    elif pinned is not None and (pinned.start, pinned.zone) == (timeline.written, timeline.zone):
        anchor = pinned
        begin = _remembered(address, pinned)
    else:
        begin = clock.after(now.replace(microsecond=0), timeline.start)
        anchor = Anchor(canonical_instant(begin), timeline.written, timeline.zone)
    moment, messages = begin, []
    for message in one.messages:
        if message.after is not None:
            moment = clock.after(moment, message.after)
            message = msgspec.structs.replace(message, date_created=canonical_instant(moment))  # noqa: PLW2901
            _require_order(address, one, message)
        messages.append(message)
    if clock.skipped:
        text = f"a time of day on its timeline does not exist in {timeline.zone}: clocks go forward then"
        warnings.append(PlanWarning("dst_gap", address, text))
    return msgspec.structs.replace(one, messages=tuple(messages), anchor=anchor)


def _require_order(address: Address, one: Conversation, message: Message) -> None:
    """Raise PlanError if *message* would be edited before it is written."""
    created, updated = message.date_created or "", message.date_updated
    if updated is not None and updated < created:
        raise PlanError(
            f"`date_updated` of `{address}/{message.key}` is before its date on the timeline, {created}",
            hint=f"remove it, or let the timeline start earlier; it is at {one.path}:{message.line}",
        )


def _remembered(address: Address, pinned: Anchor) -> datetime:
    try:
        instant = datetime.fromisoformat(pinned.instant)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise PlanError(
            f"the state remembers no instant for the timeline of `{address}`, but a text",
            hint="put back a good copy of the state, or let the timeline begin anew with `--re-anchor`",
        )
    return instant


def _zone(name: str) -> tzinfo:
    if name in UTC_NAMES:
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # few manifests name a zone

    return ZoneInfo(name)


class _Clock:
    """Adds relative times in a time zone; *skipped* once a result was a local time that does not exist."""

    def __init__(self, zone: tzinfo) -> None:
        self.skipped = False
        self._zone = zone

    def after(self, base: datetime, moment: Moment) -> datetime:
        """Return the instant *moment* after *base*; a local time that does not exist is moved forward."""
        if moment.clock is None:
            return base + timedelta(days=moment.days, seconds=moment.seconds)
        day = base.astimezone(self._zone).date() + moment.days * _DAY
        local = datetime.combine(day, time()) + timedelta(seconds=moment.clock)
        found = local.replace(tzinfo=self._zone).astimezone(UTC)
        if found.astimezone(self._zone).replace(tzinfo=None) != local:
            self.skipped = True
        return found


def _odd_dates(desired: Desired, now: str) -> Iterator[PlanWarning]:
    """Yield, at most once for each conversation, a warning about dates in the future or out of order."""
    for address, one in declared_conversations(desired):
        latest = ""
        future = behind = None
        for message in one.messages:
            date = message.date_created
            if date is None:
                continue
            if date > now:
                future = future or message.key
            if date < latest:
                behind = behind or message.key
            else:
                latest = date
        if future is not None:
            yield PlanWarning("date_in_future", f"{address}/{future}", "it is dated in the future")
        if behind is not None and one.order is not Order.ANY:
            text = "it is dated before a message that stands above it"
            yield PlanWarning("dates_out_of_order", f"{address}/{behind}", text)
