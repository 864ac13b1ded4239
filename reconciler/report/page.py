"""A plan, or what became of it, as a page of chats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from reconciler.chat import page as pages
from reconciler.chat.values import Chat, Mark, Notice, Page, Section
from reconciler.model import (
    Address,
    ConversationView,
    MediaFile,
    ResourceType,
    conversation_of,
    declared_conversations,
    parent_of,
)
from reconciler.plans.actions import Action
from reconciler.plans.outcome import Outcome
from reconciler.plans.plan import Plan, PlanWarning
from reconciler.plans.seen import Seen
from reconciler.report import action_text
from reconciler.report.bubbles import MARKS, Show, status
from reconciler.report.chats import Scene, chat
from reconciler.report.disclosure import Bodies
from reconciler.report.drift import pending_line
from reconciler.report.price import price_line
from reconciler.report.summary import not_done, outcome_line, plan_line

_NAMED: Final = 5
"""Addresses that a warning names; further ones are only counted."""


def plan_page(
    plan: Plan,
    seen: Seen,
    *,
    made_by: str,
    bodies: Bodies = Bodies.FULL,
    hash_key: str = "",
    read: Callable[[MediaFile], bytes | None] | None = None,
) -> str:
    """Return *plan* as a page; *seen* is what it was made from, and *made_by* stands at the end.

    *read* returns the content of a file of the manifests, or None if it is not what it was.
    """
    show = Show(bodies, hash_key, read, drift=plan.drift is not None)
    title = "Drift" if show.drift else "Plan refused" if plan.refusals else "Plan"
    notices = (*_refusals(plan), *_warnings(plan.warnings), *_notes(plan))
    page = Page(title, plan_line(plan), not plan.refusals, notices, _sections(plan, seen, show), made_by)
    return pages.render(page)


def outcome_page(
    outcome: Outcome,
    plan: Plan,
    seen: Seen,
    *,
    made_by: str,
    destroy: bool = False,
    bodies: Bodies = Bodies.FULL,
    hash_key: str = "",
    read: Callable[[MediaFile], bytes | None] | None = None,
) -> str:
    """Return what became of *plan* as a page; the other arguments are those of `plan_page`."""
    show = Show(bodies, hash_key, read, {one.address: one for one in outcome.results})
    page = Page(
        "Destroy" if destroy else "Apply",
        outcome_line(outcome, destroy=destroy),
        not not_done(outcome),
        (*_warnings((*plan.warnings, *outcome.warnings)),),
        _sections(plan, seen, show),
        made_by,
    )
    return pages.render(page)


def _refusals(plan: Plan) -> Iterator[Notice]:
    for one in plan.refusals:
        yield Notice("refusal", one.text, f"hint: {one.hint}")


def _warnings(warnings: tuple[PlanWarning, ...]) -> Iterator[Notice]:
    """Yield the warnings; equal ones are merged, with their first addresses."""
    places: dict[tuple[str, str], list[str]] = {}
    for one in warnings:
        places.setdefault((one.code, one.text), []).append(one.address)
    for (code, text), addresses in places.items():
        named = ", ".join(filter(None, addresses[:_NAMED]))
        more = f" and {len(addresses) - _NAMED:,} more" if len(addresses) > _NAMED else ""
        yield Notice("warning", f"{text} ({code})", f"at {named}{more}" if named else "")


def _notes(plan: Plan) -> Iterator[Notice]:
    if price := price_line(plan):
        yield Notice("price", price)
    if plan.drift is not None and (pending := pending_line(plan.drift)):
        yield Notice("note", pending)
    for intent, sid in plan.settlements:
        what = f"was found as {sid}" if sid else "was not found"
        yield Notice("note", f"what an earlier run created without a reply {what}", f"at {intent.address}")


def _sections(plan: Plan, seen: Seen, show: Show) -> tuple[Section, ...]:
    """Return the services in the order of the manifests, each with its conversations."""
    actions = plan.drifted if show.drift else plan.actions
    inside: dict[Address, list[Action]] = {}
    services: dict[Address, Action] = {}
    for action in actions:
        if action.type is ResourceType.SERVICE:
            services[action.address] = action
        else:
            inside.setdefault(conversation_of(action.address), []).append(action)
    declared = dict(declared_conversations(seen.desired))
    chats: dict[Address, list[Chat]] = {one: [] for one in services}
    addresses = dict.fromkeys((*declared, *seen.remote.conversations, *inside))
    for number, address in enumerate(addresses, start=1):
        view = seen.remote.conversations.get(address, ConversationView(remote=None))
        if view.remote is not None or address in inside:
            bound = seen.bound.messages.get(address, {})
            scene = Scene(address, inside.get(address, []), declared.get(address), view, bound)
            chats.setdefault(parent_of(address), []).append(chat(scene, show, anchor=f"c{number}"))
    found = [_section(name, services.get(name), group, seen, show) for name, group in chats.items()]
    return _opened(found)


def _opened(sections: list[Section]) -> tuple[Section, ...]:
    """Return the sections; a single conversation is never folded away."""
    if sum(len(one.chats) for one in sections) != 1:
        return tuple(sections)
    return tuple(
        msgspec.structs.replace(
            one, chats=tuple(msgspec.structs.replace(chat, folded=False) for chat in one.chats)
        )
        for one in sections
    )


def _section(name: Address, action: Action | None, chats: list[Chat], seen: Seen, show: Show) -> Section:
    live = seen.remote.services.get(name)
    return Section(
        name,
        live.sid if live is not None else "",
        MARKS[action.verb] if action is not None else Mark.SAME,
        action_text.SIGNS[action.verb] if action is not None else "",
        status(action, show) if action is not None else "",
        tuple(chats),
    )
