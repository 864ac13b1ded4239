"""What the state remembers of objects: bindings, open creates, and their digests as they may be stored."""

from typing import Final

from msgspec import Struct, structs

from reconciler.model import Address, Anchor
from reconciler.state.digests import Digests


class Binding(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """The live object to which an address is bound, and what is remembered of it."""

    sid: str
    """The SID of the object."""
    service_sid: str = ""
    """The service that it is in; empty for a service."""
    conversation_sid: str = ""
    """The conversation that it is in; empty for a service or conversation."""
    index: int = -1
    """The index of a message in its conversation, else -1."""
    sent: dict[str, str] = {}
    """The digest of each managed field as it was last sent."""
    observed: dict[str, str] = {}
    """The digest of a field where the reply differed from what was sent."""
    superseded: tuple[str, ...] = ()
    """The SIDs of earlier objects of this address that are still to be deleted."""
    created: bool = False
    """Whether this tool created the object: only then may it delete a service or conversation."""
    released: bool = False
    """Whether the message is spared: no longer managed, and not deleted as unmanaged."""
    imported: bool = False
    """Whether nothing was sent to it yet: fields that no reply shows are assumed to be equal."""
    sensitive: tuple[str, ...] = ()
    """Fields that are not shown, even when no manifest calls them sensitive any more."""
    ignored: tuple[tuple[str, ...], ...] = ()
    """The paths of `ignore_changes`, which the digests leave out."""
    anchor: Anchor | None = None
    """Where the relative timeline of a conversation begins."""

    def without(self, sid: str) -> "Binding | None":
        """Return the binding after the deletion of *sid*, None if nothing remains.

        While superseded messages are still to be deleted, the first of them takes its place: without a
        binding they would be left behind. What was sent to that one is no longer known.
        """
        superseded = tuple(other for other in self.superseded if other != sid)
        if sid != self.sid:
            return structs.replace(self, superseded=superseded)
        if not superseded:
            return None
        first, *others = superseded
        return structs.replace(
            self, sid=first, sent={}, observed={}, superseded=tuple(others), released=False
        )


_MATCHED: Final = frozenset({"author", "body", "attributes"})
"""Fields that can be sensitive and are part of the match text of a create."""


class Intent(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A create that may have been sent and whose reply is not on record."""

    address: Address
    """What is created."""
    service_sid: str = ""
    """The service in which; empty for a service."""
    conversation_sid: str = ""
    """The conversation in which, for a message or participant."""
    boundary: int = -1
    """The highest index in the conversation before a message; only higher ones can be its result."""
    match: str = ""
    """The digest by which the result is recognised exactly.

    Of a message it covers what a reply shows, of a participant its identity or addresses.
    """
    tolerant: str = ""
    """The digest over what remains of a message if a server normalises text; empty in older intents."""
    author: str = ""
    """The digest of the author of a message; empty in older intents."""
    date: str = ""
    """The digest of `date_created`, if one was sent."""
    sent: dict[str, str] = {}
    """The digest of each field, for the binding."""
    webhooks: bool = False
    """Whether the service's webhooks were called, which may have changed the message."""
    name: str = ""
    """The friendly name of a service, or the unique name of a conversation."""
    known: tuple[str, ...] = ()
    """SIDs that are not the result: of services with that name before, or of a replaced conversation."""
    opened_at: str = ""
    """When it was sent, by the server's clock, in whole seconds of UTC."""
    clock_at: str = ""
    """When it was sent, by our own clock."""
    sensitive: tuple[str, ...] = ()
    """Fields that are not shown, for the binding."""
    ignored: tuple[tuple[str, ...], ...] = ()
    """The paths of `ignore_changes`, for the binding."""
    anchor: Anchor | None = None
    """Where the relative timeline of the conversation begins, for the binding."""
    in_order: bool = False
    """Whether it was announced before it was sent, and is sent after those announced before it.

    Then it may not have been sent at all; if it was, its message stands above theirs.
    """


class InFlight(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What a running apply was about to create in one conversation when the snapshot was written."""

    boundary: int = -1
    """The highest index in the conversation before."""
    creates: dict[Address, str] = {}
    """The match digest of each message by address, in the order in which they are sent."""
    tolerant: dict[Address, tuple[str, str]] = {}
    """The tolerant digest and that of the author, by address."""
    dates: dict[Address, str] = {}
    """The digest of the date, by address, where one is sent."""
    participants: dict[Address, str] = {}
    """The digest of the identity or addresses of each participant, by address."""
    service_sid: str = ""
    """The service; empty if it is to be created too."""
    conversation_sid: str = ""
    """The conversation; empty if it is to be created too."""
    webhooks: bool = False
    """Whether the service's webhooks are called for any of them."""
    unordered: bool = False
    """Whether they may be sent side by side, so that their indexes need not rise."""
    opened_at: str = ""
    """When the snapshot was written, by the server's clock, in whole seconds of UTC."""
    clock_at: str = ""
    """When it was written, by our own clock."""
    parent: Intent | None = None
    """The create of the conversation, if it is created too; alone for a service."""


def hard_binding(binding: Binding, digest: Digests) -> Binding:
    """Return *binding* with hard digests of its sensitive fields."""
    return structs.replace(
        binding,
        sent=_hard(binding.sent, binding.sensitive, digest),
        observed=_hard(binding.observed, binding.sensitive, digest),
    )


def hard_intent(intent: Intent, digest: Digests) -> Intent:
    """Return *intent* with hard digests of its sensitive fields, and of match texts that contain them."""
    match, tolerant, author = hard_match(
        (intent.match, intent.tolerant, intent.author), intent.sensitive, digest
    )
    sent = _hard(intent.sent, intent.sensitive, digest)
    return structs.replace(intent, sent=sent, match=match, tolerant=tolerant, author=author)


def hard_match(
    known: tuple[str, str, str], sensitive: tuple[str, ...], digest: Digests
) -> tuple[str, str, str]:
    """Return the digests by which a create is recognised, hard where a *sensitive* field is part of them.

    *known* are those of the exact and the tolerant match and of the author.
    """
    match, tolerant, author = known
    if not _MATCHED.isdisjoint(sensitive):
        match, tolerant = digest.hard(match), digest.hard(tolerant)
    return match, tolerant, digest.hard(author) if "author" in sensitive else author


def _hard(digests: dict[str, str], names: tuple[str, ...], digest: Digests) -> dict[str, str]:
    return {name: digest.hard(text) if name in names else text for name, text in digests.items()}
