"""Warnings, and refusals because of the state of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.model import Address, Message, ResourceType
from reconciler.planner.compare import Difference
from reconciler.planner.draft import Draft, Scope
from reconciler.plans.actions import Action, Verb
from reconciler.resources.message import MESSAGE
from reconciler.resources.participant import live_participant_values, natural_key, participant_values
from reconciler.text.suggestions import close_to
from reconciler.text.words import plural, quoted

REQUESTING = frozenset({Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.DELETE})
_NAMED = 3
"""The most conversations that a warning names."""
_CHANGING = frozenset({Verb.UPDATE, Verb.REPLACE})
_POSTING = frozenset({Verb.CREATE, Verb.REPLACE})


def warn_about(draft: Draft, address: Address, found: Difference, *, replaced: bool = False) -> None:
    """Warn about differences that no action shows."""
    released = [name for name in found.released if not replaced or name in MESSAGE.carried]
    for code, names, text in (
        (
            "rewritten_by_server",
            found.rewritten,
            "differs from what was sent: the server or a webhook rewrites it",
        ),
        (
            "assumed_equal",
            () if replaced else found.assumed,
            "cannot be read back and is assumed to be as declared",
        ),
        ("released", released, "is no longer managed and stays as it is"),
        (
            "drifted_too",
            found.drifted if found.changed else (),
            "was also changed behind the tool's back, which is undone",
        ),
    ):
        if names:
            draft.warn(code, address, f"{quoted(names)} {text}")


def warn_of_consequences(draft: Draft, scope: Scope) -> None:
    """Warn about webhooks, deliveries outside the chat and unknown authors in the actions of *draft*."""
    actions = [action for action in draft.actions if action.address != scope.address]
    calling = sum(action.webhooks and bool(action.send) for action in actions)
    if calling:
        draft.warn(
            "webhooks_on", scope.address, f"{plural(calling, 'change')} will call the service's webhooks"
        )
    new = [action for action in actions if action.verb in _POSTING and action.type is ResourceType.MESSAGE]
    rewritten = sum(action.webhooks for action in new)
    if rewritten and scope.options.is_seldom_written:
        text = (
            f"{plural(rewritten, 'new message')} may be rewritten by webhooks, and this state is written "
            "every 30 s: after a crash, those that it does not have yet are unknown and not posted again"
        )
        draft.warn("unknown_after_crash", scope.address, text)
    posts = len(new)
    outside = _outside(scope)
    if posts and outside:
        text = (
            f"{plural(posts, 'new message')} in `{scope.address}` will really be sent to "
            f"{plural(outside, 'participant')} outside the chat (SMS, WhatsApp, e-mail): "
            f"{plural(posts * outside, 'delivery', 'deliveries')}"
        )
        draft.warn("delivers_externally", scope.address, text)
        if not scope.options.allow_delivery:
            draft.refuse("delivers_externally", text, "if that is meant, pass `--allow-delivery`")
    _warn_of_authors(draft, scope)
    _warn_of_row_numbers(draft, scope, actions)


def _warn_of_row_numbers(draft: Draft, scope: Scope, actions: Iterable[Action]) -> None:
    """Warn where texts move between numbered keys, which rows of a transcript without keys get."""
    changed = [
        action.send["body"]
        for action in actions
        if action.verb in _CHANGING and "body" in action.send and _is_number(action.address)
    ]
    if not changed:
        return
    before = {binding.sent.get("body") for key, binding in scope.bindings.items() if _is_number(key)}
    moved = sum(scope.digest("body", body) in before for body in changed)
    if moved:
        draft.warn(
            "row_numbers",
            scope.address,
            f"{plural(moved, 'message')} would get the text of another one: the keys of a transcript without "
            "any are row numbers, so a row that comes or goes changes all below it; give the rows a `key`",
        )


def _is_number(address: Address) -> bool:
    return address.rpartition("/")[2].isdecimal()


def warn_of_ended(draft: Draft, service: Address, ended: Sequence[str]) -> None:
    """Warn about conversations of a service that are *ended* although no manifest wants that."""
    if ended:
        more = f" and {len(ended) - _NAMED} more" if len(ended) > _NAMED else ""
        text = f"{plural(len(ended), 'conversation')} closed or inactive, which no manifest says: "
        draft.warn("ended", service, f"{text}{', '.join(ended[:_NAMED])}{more}; `--reset` brings them back")


def warn_of_no_reset(draft: Draft, scope: Scope, *, whole: bool) -> None:
    """Warn that `--reset` does not apply to a conversation."""
    why = "this tool did not create it" if whole else "a part of it is not selected"
    draft.warn("not_reset", scope.address, f"`{scope.address}` is not reset, as {why}")


def judge_state(draft: Draft, scope: Scope) -> None:
    """Refuse changes of a closed conversation, and warn where a message makes an inactive one active."""
    live, desired = scope.view.remote, scope.desired
    verbs = [verb for verb in draft.verbs if verb in REQUESTING]
    closing = any(action.send.get("state") == "closed" for action in draft.actions)
    if live is not None and live.state == "closed" and verbs:
        needed = "1 change is" if len(verbs) == 1 else f"{len(verbs)} changes are"
        draft.refuse(
            "conversation_closed",
            f"`{scope.address}` ({live.sid}) is closed, which is final, but {needed} needed in it",
            f"run `reconciler state rm {scope.address}` to let go of it"
            if desired is None
            else "take the changes out of the manifest, or delete the conversation: it is created again then",
        )
    elif closing and not scope.options.allow_close:
        draft.refuse(
            "closes",
            f"`{scope.address}` is to be closed, which is final: nothing can be posted or opened again",
            "if that is meant, pass `--allow-close`",
        )
    elif live is not None and live.state == "inactive" and _POSTING.intersection(verbs):
        back = ", and then it is put back" if desired is not None and desired.state == "inactive" else ""
        draft.warn(
            "revives", scope.address, f"{live.sid} is inactive: a new message makes it active again{back}"
        )


def _outside(scope: Scope) -> int:
    """Return how many participants outside the chat a message reaches, including those to be created."""
    live = [live_participant_values(one) for one in (scope.view.participants or {}).values()]
    keys = {natural_key(values) for values in live if "address" in values}
    declared = scope.desired.participants if scope.desired is not None else ()
    keys |= {natural_key(participant_values(one)) for one in declared if one.address is not None}
    return len(keys)


def _warn_of_authors(draft: Draft, scope: Scope) -> None:
    """Warn where the author of a message is no declared participant, as it may be misspelt."""
    desired = scope.desired
    if desired is None or not desired.participants:
        return
    known = {
        one.identity or one.address or one.projected_address or "": one.key for one in desired.participants
    }
    for message in desired.messages:
        if message.author is not None and message.author not in {"system", *known}:
            draft.warn("unknown_author", f"{scope.address}/{message.key}", _no_participant(message, known))


def _no_participant(message: Message, known: Mapping[str, str]) -> str:
    """Return the warning, without the author, who may be sensitive or hidden by `--bodies`."""
    meant = None if "author" in message.sensitive else close_to(message.author or "", known)
    hint = f"; did you mean the one of `participants/{known[meant]}`?" if meant else ""
    return f"its author is no declared participant{hint}"
