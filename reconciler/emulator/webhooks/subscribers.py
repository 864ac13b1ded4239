"""Who asked for the webhooks of an event."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from reconciler.emulator.store import Store
from reconciler.emulator.webhooks.resources import of_conversation, settings


class Subscriber(NamedTuple):
    """One url that is told of some events."""

    url: str
    method: str
    events: Collection[str]
    triggers: Collection[str] = ()
    """If any, only messages with one of these texts in their body are reported."""

    def wants(self, event: str, body: str) -> bool:
        """Return whether it is told of *event*, on a message with this *body*."""
        heard = not self.triggers or any(one.casefold() in body.casefold() for one in self.triggers)
        return event in self.events and heard


def _in_force(store: Store, service_sid: str) -> dict[str, Any]:
    """Return the settings of a service; one without urls leaves it to those of the account."""
    own = settings(store, service_sid).setting()
    if own.get("pre_webhook_url") or own.get("post_webhook_url"):
        return own
    return settings(store, None).setting()


def before(store: Store, service_sid: str) -> Iterator[Subscriber]:
    """Yield whoever may refuse or change what happens in a service."""
    yield from _one(_in_force(store, service_sid), "pre_webhook_url")


def after(store: Store, service_sid: str) -> Iterator[Subscriber]:
    """Yield whoever is told what happened in a service."""
    yield from _one(_in_force(store, service_sid), "post_webhook_url")


def _one(setting: dict[str, Any], name: str) -> Iterator[Subscriber]:
    if setting.get(name):
        yield Subscriber(setting[name], setting["method"], setting["filters"])


def scoped(store: Store, service_sid: str, conversation_sid: str) -> list[Subscriber]:
    """Return the webhooks of one conversation; those for Studio lead nowhere here."""
    return [
        of_configuration(one.values["configuration"])
        for one in of_conversation(store, service_sid, conversation_sid).all()
        if one.values["target"] != "studio"
    ]


def of_configuration(configuration: dict[str, Any]) -> Subscriber:
    """Return what a webhook of a conversation asks for."""
    return Subscriber(
        configuration["url"],
        configuration["method"].upper(),
        configuration.get("filters", ("onMessageAdded",)),
        configuration.get("triggers", ()),
    )
