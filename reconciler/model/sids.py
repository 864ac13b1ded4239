"""SIDs, the identifiers that Twilio gives to objects: two capital letters and 32 hexadecimal digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from reconciler.model.addresses import ResourceType

PREFIXES: Final[Mapping[ResourceType, str]] = {
    ResourceType.SERVICE: "IS",
    ResourceType.CONVERSATION: "CH",
    ResourceType.PARTICIPANT: "MB",
    ResourceType.MESSAGE: "IM",
}
"""The first two letters of the SIDs of each type of resource."""


NOUNS: Final[Mapping[str, str]] = {
    "AC": "an account",
    "CH": "a conversation",
    "HX": "a content template",
    "IM": "a message",
    "IS": "a service",
    "MB": "a participant",
    "ME": "a media file",
    "MG": "a messaging service",
    "RL": "a role",
    "SK": "an API key",
    "US": "a user",
}
"""What a SID with each prefix identifies, in words."""


_SID: Final = re.compile(r"[A-Z]{2}[0-9A-Fa-f]{32}")


_PLAUSIBLE: Final = re.compile(r"[A-Z]{2}\w{1,64}", re.ASCII)


_PLACEHOLDER: Final = re.compile(r"(?:\0|\\u0000)service\.([^\0\\]+)\.sid(?:\0|\\u0000)")


def sid_pattern(prefix: str) -> str:
    """Return the regular expression of a SID with this *prefix*, without anchors."""
    return f"{prefix}[0-9a-fA-F]{{32}}"


def is_sid(text: str, prefix: str = "") -> bool:
    """Return whether *text* is a SID, and one with *prefix*; its digits may be capitals."""
    return text.startswith(prefix) and _SID.fullmatch(text) is not None


def is_plausible_sid(text: str) -> bool:
    """Return whether *text* can stand in a URL or a shell as a SID can: letters, digits and underscores only.

    Emulators and tests use shorter SIDs than Twilio's.
    """
    return _PLAUSIBLE.fullmatch(text) is not None


def are_plausible_sids(texts: Iterable[str]) -> bool:
    """Return whether `is_plausible_sid` is true of each of *texts*, in half the time."""
    return all(map(_PLAUSIBLE.fullmatch, texts))


def canonical_sid(text: str) -> str:
    """Return *text* with its 32 digits in lower case if it is a SID, else unchanged.

    Twilio sends SIDs in lower case; people and older files also write them in capitals.
    """
    return text[:2] + text[2:].lower() if _SID.fullmatch(text) else text


def sid_placeholder(service: str) -> str:
    """Return the placeholder for the SID of the declared *service*, which is not known yet.

    A placeholder contains NUL, which no other text does, in JSON or outside of it.
    """
    return f"\0service.{service}.sid\0"


def fill_placeholders(text: str, sid_of: Callable[[str], str | None]) -> str:
    """Return *text* with each placeholder replaced by what *sid_of* returns for its service, unless None."""
    return _PLACEHOLDER.sub(lambda match: sid_of(match[1]) or match[0], text)


def services_referenced(text: str) -> list[str]:
    """Return the services for whose SIDs *text* has placeholders."""
    return _PLACEHOLDER.findall(text)
