"""Cut manifests to some of their conversations: what one machine plans, or what `--target` names."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from reconciler.model.addresses import Address, conversation_of
from reconciler.model.desired import Desired, declared_conversations


def part_of_desired(desired: Desired, has: Callable[[Address], bool]) -> Desired:
    """Return *desired* with only those conversations whose address it *has*, and what is imported into them.

    All services stay, and the other blocks.
    """
    order = desired.order or tuple(address for address, _ in declared_conversations(desired))
    services = tuple(
        structs.replace(
            service,
            conversations=tuple(one for one in service.conversations if has(f"{service.name}/{one.name}")),
        )
        for service in desired.services
    )
    imports = tuple(
        one for one in desired.imports if "/" not in one.address or has(conversation_of(one.address))
    )
    doubts = tuple(
        one for one in desired.doubts if not one.of_conversation or has(conversation_of(one.address))
    )
    return structs.replace(desired, services=services, imports=imports, order=order, doubts=doubts)
