"""The actions of a plan and their reasons."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct

from reconciler.model import TYPES, Address, Anchor, MediaFile, ResourceType, conversation_of


class Verb(StrEnum):
    """What an action does. `adopt`, `move` and `forget` send no request."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    MOVE = "move"
    FORGET = "forget"
    NO_OP = "no-op"


POSTING: Final = frozenset({Verb.CREATE, Verb.REPLACE})
"""The verbs that create an object."""


class Reason(StrEnum):
    """Why an action was chosen: a closed set on which scripts may rely."""

    NOT_IN_STATE = "not_in_state"
    MISSING_REMOTELY = "missing_remotely"
    CHANGED_IN_MANIFEST = "changed_in_manifest"
    DRIFTED = "drifted"
    IMMUTABLE_FIELD = "immutable_field"
    ORDER = "order"
    REMOVED_FROM_MANIFEST = "removed_from_manifest"
    UNMANAGED = "unmanaged"
    IDENTICAL_EXISTS = "identical_exists"
    RENAMED = "renamed"
    REQUESTED = "requested"
    SUPERSEDED = "superseded"
    SETTLED = "settled"


SENSITIVE: Final = "(sensitive value)"
"""The text that is shown for a sensitive value."""


KNOWN_AFTER: Final = "(known after apply)"
"""The text that is shown for a sid that Twilio has not given yet."""


class FieldChange(Struct, frozen=True):
    """One difference. Path parts are names and list positions; values are JSON, UNSET where absent.

    Raises ValueError where both are, and where the path is empty: a damaged plan may say so.
    """

    path: tuple[str | int, ...]
    before: object = UNSET
    after: object = UNSET

    def __post_init__(self) -> None:
        if not self.path or (self.before is UNSET and self.after is UNSET):
            raise ValueError("a change without a field, or without a value before and after")


class Action(Struct, frozen=True, omit_defaults=True):
    """One step of a plan, with everything needed to show it and to carry it out.

    Texts are canonical, as in `model.canonical`.
    """

    address: Address
    """The object that is changed; a message that no key names has its sid as its key."""
    verb: Verb
    """What is done."""
    reason: Reason
    """Why."""
    sid: str | None = None
    """The live object; None for a create."""
    index: int = -1
    """The index of the live message, or the highest index in a conversation to be deleted; else -1."""
    before: dict[str, str] = {}
    """Live texts by field, as far as they are compared or sent."""
    after: dict[str, str] = {}
    """Texts by field once the action is done."""
    send: dict[str, str] = {}
    """The part of *after* that the request carries."""
    managed: tuple[str, ...] = ()
    """The fields that the manifest declares, and that the state will remember."""
    reset: tuple[str, ...] = ()
    """Fields set back to the default of the API, because the manifest no longer has them."""
    ignored: tuple[tuple[str, ...], ...] = ()
    """The paths of `ignore_changes`."""
    changes: tuple[FieldChange, ...] = ()
    """The differences between *before* and *after*, for display."""
    replace_paths: tuple[str, ...] = ()
    """The changed fields that no update can change, if the action is a replacement."""
    previous_address: Address | None = None
    """The address to which the object is bound so far, if it moves."""
    webhooks: bool = False
    """Whether the service's webhooks are called, by `X-Twilio-Webhook-Enabled`."""
    with_parent: bool = False
    """Whether it happens with the deletion of the conversation, and needs no deletion of its own."""
    importing: bool = False
    """Whether this plan also binds the address to the object, which existed before."""
    released: bool = False
    """Whether a forgotten object is spared from `unmanaged: delete`."""
    file: MediaFile | None = None
    """The media file to upload."""
    fingerprint: dict[str, str] = {}
    """Digests of the live object at the time of the plan, from `plans.fingerprint`.

    There is one for each field that the action updates, and one named '' for all others that it relies on.
    """
    sensitive: tuple[str, ...] = ()
    """Fields whose texts are not shown."""
    anchor: Anchor | None = None
    """Where the relative timeline of a new conversation begins."""
    awaits: tuple[Address, ...] = ()
    """Services created by the same plan, whose sids replace placeholders in the texts (`model.sids`)."""
    dated_by_timeline: bool = False
    """Whether the date comes from a relative timeline, so that another plan may give another date."""

    @property
    def type(self) -> ResourceType:
        """The type of the object."""
        return TYPES[self.address.count("/")]  # asked of every action, many times


class InConversation(Struct):
    """The actions on one conversation and inside it, in the order of the plan."""

    own: list[Action] = []
    """Those on the conversation itself."""
    participants: list[Action] = []
    messages: list[Action] = []


class ByPlace(Struct):
    """The actions of a plan by the place where they happen, in the order of the plan."""

    services: list[Action] = []
    """Those on services themselves."""
    conversations: dict[Address, InConversation] = {}
    """Those in each conversation, by its address."""


def by_place(actions: Iterable[Action]) -> ByPlace:
    """Return *actions* by the place where they happen."""
    places = ByPlace()
    for action in actions:
        kind = action.type
        if kind is ResourceType.SERVICE:
            places.services.append(action)
            continue
        address = conversation_of(action.address)
        inside = places.conversations.get(address)
        if inside is None:
            inside = places.conversations[address] = InConversation()
        if kind is ResourceType.MESSAGE:
            inside.messages.append(action)
        elif kind is ResourceType.CONVERSATION:
            inside.own.append(action)
        else:
            inside.participants.append(action)
    return places


def posting(actions: Iterable[Action]) -> list[Address]:
    """Return the conversations in which *actions* create messages, replacements included."""
    return [
        address
        for address, inside in by_place(actions).conversations.items()
        if any(action.verb in POSTING for action in inside.messages)
    ]
