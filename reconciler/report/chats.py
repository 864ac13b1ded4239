"""One conversation of a plan as a chat: what is there, with what happens to it, and what comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.chat.layout import on_the_right, people, runs
from reconciler.chat.values import Bubble, Chat, Field, Mark, Person, Run
from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    MediaFile,
    Message,
    RemoteMessage,
    ResourceType,
)
from reconciler.plans.actions import POSTING, SENSITIVE, Action, Reason, Verb
from reconciler.report import action_text, disclosure
from reconciler.report.bubbles import (
    MARKS,
    Show,
    bubble,
    change_field,
    changes_of,
    left_behind,
    status,
    unchanged,
)
from reconciler.resources.participant import live_participant_values, participant_values
from reconciler.state.index import Bindings
from reconciler.text.words import counted

_PARTLY: Final = "Only the messages that have an address were read; others may stand between them."
_COUNTED: Final = {
    Mark.ADDED: "added",
    Mark.CHANGED: "changed",
    Mark.REPOSTED: "posted again",
    Mark.DELETED: "destroyed",
}
_WHOLE: Final = POSTING | {Verb.DELETE}
"""The verbs that concern an object as a whole, so that no field of it is told apart."""
_NOTHING: Final = ConversationView(remote=None)


class Scene(Struct, frozen=True):
    """What is known of one conversation."""

    address: Address
    """Its address."""
    actions: list[Action]
    """The actions on it and on what is in it, in the order of the plan."""
    desired: Conversation | None = None
    """Its declaration."""
    view: ConversationView = _NOTHING
    """What was read of it."""
    bound: Bindings = {}
    """The bindings of its messages."""


def chat(scene: Scene, show: Show, *, anchor: str) -> Chat:
    """Return the conversation as a chat, to which a link on the page leads by *anchor*."""
    own = next((one for one in scene.actions if one.type is ResourceType.CONVERSATION), None)
    crowd = tuple(_people(scene, show))
    bubbles = _placed(_bubbles(scene, show), crowd)
    marks = {*(one.mark for one in bubbles), *(one.mark for one in crowd)}
    calm = own is None and marks <= {Mark.SAME}
    return Chat(
        anchor=anchor,
        title=scene.address,
        subtitle=", ".join(_glance(scene, bubbles)),
        mark=MARKS[own.verb] if own is not None else Mark.SAME,
        sign=action_text.SIGNS[own.verb] if own is not None else "",
        status=status(own, show) if own is not None else "",
        why=action_text.why(own) if own is not None and not show.drift else "",
        fields=_changes(own, show) if own is not None else (),
        people=crowd,
        runs=(Run(tuple(bubbles)),) if calm and bubbles else runs(bubbles),
        notes=(_PARTLY,) if scene.view.remote is not None and not scene.view.complete else (),
        folded=calm,
    )


def _glance(scene: Scene, bubbles: list[Bubble]) -> Iterator[str]:
    if scene.view.remote is not None:
        yield scene.view.remote.state
    yield counted(len(bubbles), "message")
    marks = [one.mark for one in bubbles]
    yield from (f"{count:,} {word}" for mark, word in _COUNTED.items() if (count := marks.count(mark)))


def _placed(bubbles: Iterable[Bubble], crowd: tuple[Person, ...]) -> list[Bubble]:
    """Return the messages with the number of each author, and the side on which they stand."""
    found = list(bubbles)
    numbers = people(one.author for one in found)
    right = on_the_right((one.author for one in found), crowd)
    return [
        msgspec.structs.replace(one, person=numbers[one.author], own=one.author in right) for one in found
    ]


def _bubbles(scene: Scene, show: Show) -> Iterator[Bubble]:
    """Yield the messages that are there in their order, then those that come, as a new one comes last."""
    actions = [one for one in scene.actions if one.type is ResourceType.MESSAGE]
    touched = {one.sid: one for one in actions if one.sid is not None}
    declared = {one.key: one for one in (scene.desired.messages if scene.desired is not None else ())}
    there: list[tuple[int, Bubble]] = []
    for calm, live in untouched(scene.view, scene.bound, scene.address, declared):
        action = touched.pop(live.sid, calm)
        message = declared.get(calm.address.rpartition("/")[2])
        there.append((live.index, _standing(action, show, message, live)))
    there += [(action.index, _standing(action, show, None, None)) for action in touched.values()]
    yield from (one for _, one in sorted(there, key=lambda pair: pair[0]))
    for action in actions:
        if action.verb in POSTING:
            yield bubble(action, show)


def untouched(
    view: ConversationView, bound: Bindings, address: Address, declared: Mapping[str, Message] = {}
) -> Iterator[tuple[Action, RemoteMessage]]:
    """Yield each live message with the action that does nothing to it.

    Fields are sensitive that the binding or the declaration, by key in *declared*, calls so.
    """
    known = {
        sid: (name, binding.sensitive)
        for name, binding in bound.items()
        for sid in (binding.sid, *binding.superseded)
    }
    for live in view.messages.values():
        name, hidden = known.get(live.sid, (f"{address}/{live.sid}", ()))
        message = declared.get(name.rpartition("/")[2])
        yield unchanged(name, live, (*hidden, *(message.sensitive if message is not None else ()))), live


def _standing(action: Action, show: Show, message: Message | None, live: RemoteMessage | None) -> Bubble:
    """Return a message that is there."""
    if action.verb is Verb.REPLACE:
        return left_behind(action, show, live)
    return bubble(action, show, file=_file(action, message), live=live)


def _file(action: Action, message: Message | None) -> MediaFile | None:
    return message.file if message is not None and action.verb is not Verb.DELETE else None


def _people(scene: Scene, show: Show) -> Iterator[Person]:
    """Yield the participants, each once: as the plan changes them, as they are, or as they are declared."""
    seen: set[str] = set()
    actions = [one for one in scene.actions if one.type is ResourceType.PARTICIPANT]
    known = [
        *((one, {**one.before, **one.after}) for one in actions),
        *((None, live_participant_values(one)) for one in (scene.view.participants or {}).values()),
        *((None, participant_values(one)) for one in (scene.desired.participants if scene.desired else ())),
    ]
    for action, values in known:
        name = values.get("identity") or values.get("address") or (action.address if action else "")
        if name not in seen:
            seen.add(name)
            yield _person(name, values, action or Action("", Verb.NO_OP, Reason.IDENTICAL_EXISTS), show)


def _person(name: str, values: Mapping[str, str], action: Action, show: Show) -> Person:
    sensitive = {"identity", "address"} & set(action.sensitive)
    proxy = values.get("proxy_address")
    return Person(
        SENSITIVE if sensitive else str(disclosure.shown("identity", name, show.bodies, show.salt)),
        f"through {disclosure.shown('proxy_address', proxy, show.bodies, show.salt)}" if proxy else "",
        MARKS[action.verb],
        action_text.SIGNS[action.verb],
        status(action, show),
        () if action.verb in _WHOLE else _changes(action, show),
        outside="address" in values,
    )


def _changes(action: Action, show: Show) -> tuple[Field, ...]:
    return tuple(change_field(action, one) for one in changes_of(action, show))
