"""The actions of a plan and their reasons."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct

from reconciler.model import Address, Anchor, MediaFile, ResourceType, parent_of, type_of


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
"""What an action does that makes something new."""


class Reason(StrEnum):
    """Why an action was chosen: a closed set that scripts may rely on."""

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
"""What is shown of a value that must not be shown."""


KNOWN_AFTER: Final = "(known after apply)"
"""What is shown of a sid that Twilio has not given yet."""


class FieldChange(Struct, frozen=True):
    """One difference. Path parts are names and list positions; values are JSON, UNSET where absent."""

    path: tuple[str | int, ...]
    before: object = UNSET
    after: object = UNSET


class Action(Struct, frozen=True, omit_defaults=True):
    """One step of a plan, with everything needed to show it and to carry it out.

    *before* and *after* map fields to canonical texts; *send* is the part of *after* that the
    request carries, *managed* names the part that the manifest declares and the state will
    remember. *reset* names the fields that are set back to the API's default, as they were dropped
    from the manifest. *ignored* are the `ignore_changes` paths. *with_parent* marks what goes with
    the deletion of its conversation, without a request of its own. *importing* marks an object that the
    address is bound to by this very plan, *released* one that is forgotten but stays spared.
    *fingerprint* has digests of the live object, to refuse a stale plan: of each field that the action
    updates, and under no name of all others that it relies on. The values of *sensitive* fields are
    never shown. *anchor* is where the timeline of a new conversation begins. *awaits* are the services that
    the same plan creates, whose sids are to stand in texts (`sid_placeholder`). *dated_by_timeline* says that
    the date of a message came from a relative timeline, so that another plan may give it another one.
    """

    address: Address
    verb: Verb
    reason: Reason
    sid: str | None = None
    index: int = -1
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    send: dict[str, str] = {}
    managed: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    ignored: tuple[tuple[str, ...], ...] = ()
    changes: tuple[FieldChange, ...] = ()
    replace_paths: tuple[str, ...] = ()
    previous_address: Address | None = None
    webhooks: bool = False
    with_parent: bool = False
    importing: bool = False
    released: bool = False
    file: MediaFile | None = None
    fingerprint: dict[str, str] = {}
    sensitive: tuple[str, ...] = ()
    anchor: Anchor | None = None
    awaits: tuple[Address, ...] = ()
    dated_by_timeline: bool = False

    @property
    def type(self) -> ResourceType:
        """What the address names."""
        return type_of(self.address)


def posting(actions: Iterable[Action]) -> list[Address]:
    """Return the conversations in which *actions* create messages, replacements included."""
    return list(
        dict.fromkeys(
            parent_of(action.address)
            for action in actions
            if action.verb in POSTING and action.type is ResourceType.MESSAGE
        )
    )
