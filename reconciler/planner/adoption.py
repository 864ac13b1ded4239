"""Never post a message that exists already: recognise it, and adopt it or refuse the plan.

Creates and replacements post a message. The double of an entry is an unmanaged live message that equals what
the entry would post. For a replacement only a double above the old message counts: an earlier apply ended
after it had posted the new message and before it deleted the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler.model import RemoteMessage, Unmanaged
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.message import Entry, adopt, posted, refuse_protected
from reconciler.plans.actions import Verb
from reconciler.resources.match import ExpectedMessage, Pairs, forgiven, pair
from reconciler.text.words import plural, quoted


def recognise(
    draft: Draft, scope: Scope, entries: Sequence[Entry], replaced: Callable[[], Iterable[Entry]]
) -> None:
    """Adopt the doubles of *entries*, or refuse to post them a second time.

    *replaced* returns the entries to be replaced; it is called once all creates are decided.
    """
    creates = [entry for entry in entries if entry.verb is Verb.CREATE]
    if _decide(draft, scope, creates, entries):
        _decide(draft, scope, list(replaced()), entries)


def strangers(scope: Scope, entries: Iterable[Entry] = ()) -> list[RemoteMessage]:
    """Return the unmanaged messages: not bound, not superseded, not the possible result of an open intent.

    Those that *entries* adopt are left out.
    """
    taken = {sid for binding in scope.bindings.values() for sid in (binding.sid, *binding.superseded)}
    taken.update(entry.live.sid for entry in entries if entry.live is not None)
    return [
        live
        for live in scope.view.messages.values()
        if live.sid not in taken and (scope.boundary is None or live.index <= scope.boundary)
    ]


def deletes_strangers(scope: Scope) -> bool:
    """Return whether the plan deletes the unmanaged messages of this conversation."""
    return (
        scope.selection is None and scope.desired is not None and scope.desired.unmanaged is Unmanaged.DELETE
    )


def _decide(draft: Draft, scope: Scope, posting: Sequence[Entry], entries: Iterable[Entry]) -> bool:
    """Adopt the doubles of *posting* where that is permitted; return False if any was refused."""
    refused: list[Entry] = []
    deleting = deletes_strangers(scope)
    looking = deleting or not all(scope.options.duplicates(entry.address) for entry in posting)
    found = (
        pair([_expected(entry) for entry in posting], strangers(scope, entries))
        if posting and looking
        else Pairs()
    )
    for entry in posting:
        address = entry.address
        if address not in found or not scope.selects(address):
            continue
        if scope.options.adopts(address) or (deleting and address in found.exact):
            _take_over(draft, scope, entry, found[address])
        elif not deleting and not scope.options.duplicates(address):
            refused.append(entry)
    if refused:
        _refuse(draft, scope, refused, found)
    return not refused


def _expected(entry: Entry) -> ExpectedMessage:
    """Return what *entry* posts, without the date of a relative timeline, which differs between states."""
    fields = posted(entry)
    if entry.message.after is not None:
        fields.pop("date_created", None)
    above = entry.live.index if entry.live is not None else -1
    return ExpectedMessage(entry.address, fields, entry.message.file, above)


def _take_over(draft: Draft, scope: Scope, entry: Entry, double: RemoteMessage) -> None:
    old = entry.live
    if old is not None and entry.message.prevent_destroy:
        refuse_protected(draft, entry.address, "replaced")
    adopt(draft, scope, entry, double)


def _refuse(draft: Draft, scope: Scope, refused: Sequence[Entry], found: Pairs) -> None:
    first = refused[0]
    live = found[first.address]
    differs = forgiven(posted(first), live) if first.address in found.tolerant else ()
    but = f", but for how {quoted(differs)} is written" if differs else ""
    again = first.live is not None
    draft.refuse(
        "identical_exists",
        f"{plural(len(refused), 'message')} to be {'posted again' if again else 'created'} in "
        f"`{scope.address}` {'stand' if len(refused) > 1 else 'stands'} there already, unmanaged "
        f"(the first: `{first.address}` equals {live.sid}{but})",
        "pass `--adopt` to take over what is there"
        + (" and delete what it replaces" if again else "")
        + ", or `--duplicate` to create it again",
    )
