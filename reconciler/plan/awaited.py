"""Texts that name the sid of a service: filled in once the service is found."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from reconciler.canonical import with_sids
from reconciler.model import Address, Conversation, Desired, Message, Remote, declared
from reconciler.plan.actions import Plan, Refusal
from reconciler.plan.diff import desired_values
from reconciler.plan.parents import conversation_values

T = TypeVar("T", Conversation, Message)


class Filled(Struct, frozen=True):
    """*desired* with the sids that are known; *unknown* maps addresses to the service whose is not."""

    desired: Desired
    unknown: dict[Address, str] = {}


def fill(desired: Desired, remote: Remote) -> Filled:
    """Return *desired* with the sids of *remote* where its texts refer to them."""
    if not desired.awaits:
        return Filled(desired)
    known = {name: live.sid for name, live in remote.services.items() if live is not None}
    texts: dict[Address, dict[str, str]] = {}
    unknown: dict[Address, str] = {}
    for address, one in declared(desired):
        values = desired_values(one) if isinstance(one, Message) else conversation_values(one)
        for name, text in values.items():

            def sid_of(service: str, address: Address = address) -> str:
                if service not in known:
                    unknown[address] = service
                return known.get(service, f"${{service.{service}.sid}}")

            if (complete := with_sids(text, sid_of)) != text:
                texts.setdefault(address, {})[name] = complete
    services = tuple(
        msgspec.structs.replace(
            service,
            conversations=tuple(
                _with_texts(
                    msgspec.structs.replace(
                        one,
                        messages=tuple(
                            _with_texts(message, texts.get(f"{service.name}/{one.name}/{message.key}"))
                            for message in one.messages
                        ),
                    ),
                    texts.get(f"{service.name}/{one.name}"),
                )
                for one in service.conversations
            ),
        )
        for service in desired.services
    )
    return Filled(msgspec.structs.replace(desired, services=services), unknown)


def refuse_unknown(plan: Plan, filled: Filled) -> Plan:
    """Return *plan*, not applyable if it sends a text that needs a sid nobody knows yet."""
    needing = [action.address for action in plan.actions if action.send and action.address in filled.unknown]
    if not needing:
        return plan
    address = needing[0]
    service = filled.unknown[address]
    more = f" and {len(needing) - 1:,} more" if len(needing) > 1 else ""
    refusal = Refusal(
        "unknown_sid",
        f"`{address}`{more} cannot do without the sid of service `{service}`, which does not exist yet",
        f"create it first: `reconciler apply --exclude '{service}/*'`",
    )
    return msgspec.structs.replace(plan, refusals=(*plan.refusals, refusal))


def _with_texts(one: T, texts: dict[str, str] | None) -> T:
    return msgspec.structs.replace(one, **texts) if texts else one
