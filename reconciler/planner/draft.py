"""What planning starts from, and what it collects on its way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from reconciler.model import Address, Conversation, ConversationView
from reconciler.planner.actions import Action, PlanWarning, Refusal, Verb
from reconciler.planner.diff import Digest, Kind
from reconciler.planner.selection import Selection
from reconciler.state.model import Binding, Bound, Unbound

Choice: TypeAlias = bool | str
"""Which addresses a flag is about: all, none, or those that a glob names."""


class Options(Struct, frozen=True):
    """What a planner may be asked for; each is a flag of the command line.

    *adopt* takes over messages that say what would be created, *duplicate* creates them again. *max_delete*
    is a number of messages, or a percentage if *max_delete_percent*. *targets* and *excludes* are globs
    over addresses. *record* asks for the bindings to be brought up to date where nothing is to be done,
    which `apply` wants and `plan` need not pay for. *refresh_only* asks for a plan that sends nothing,
    *re_anchor* for timelines that begin anew, *reset* for conversations that equal their manifest again,
    whatever was done in them.
    """

    destroy: bool = False
    refresh_only: bool = False
    adopt: Choice = False
    duplicate: Choice = False
    replace: tuple[Address, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    max_delete: float | None = None
    max_delete_percent: bool = False
    allow_recreate: bool = False
    allow_close: bool = False
    allow_delivery: bool = False
    record: bool = False
    re_anchor: bool = False
    reset: bool = False

    @property
    def globs(self) -> tuple[str, ...]:
        """Every glob over addresses that was given."""
        chosen = (one for one in (self.adopt, self.duplicate) if isinstance(one, str))
        return (*self.targets, *self.excludes, *chosen)

    def adopts(self, address: Address) -> bool:
        """Return True if *address* is to take over a message that says what it would create."""
        return _means(address, self.adopt)

    def duplicates(self, address: Address) -> bool:
        """Return True if *address* is to be created even where a message stands that says the same."""
        return _means(address, self.duplicate)


class Scope(Struct, frozen=True):
    """One conversation as the planner sees it: desired, live, and what is bound in it.

    *boundary* is the lowest index above which an open intent may have made a message: what is unbound
    there belongs to nobody yet. *selection* is None where the plan is about everything. *read_at* is when the
    server was asked, by its own clock. *reset* says that `--reset` takes it.
    """

    address: Address
    desired: Conversation | None
    view: ConversationView
    bindings: dict[Address, Binding]
    digest: Digest
    options: Options
    service_sid: str = ""
    boundary: int | None = None
    selection: Selection | None = None
    read_at: str = ""
    reset: bool = False

    def untouched(self, kind: Kind) -> dict[str, str]:
        """Return what undeclared fields of a resource are set back to: under `--reset` all that are seen."""
        return {n: text for n, text in kind.defaults.items() if n not in kind.unseen} if self.reset else {}

    def selects(self, address: Address) -> bool:
        """Return True if the plan is about *address*."""
        return self.selection is None or address in self.selection


class Draft(Struct):
    """The plan while it is made."""

    actions: list[Action] = []
    warnings: list[PlanWarning] = []
    refusals: list[Refusal] = []
    bindings: dict[Address, Binding | None] = {}
    """What the state is to say without any request; None drops the binding."""
    no_ops: int = 0

    def warn(self, code: str, address: Address, text: str) -> None:
        """Tell the reader something; the plan stays applyable."""
        self.warnings.append(PlanWarning(code, address, text))

    def refuse(self, code: str, text: str, hint: str) -> None:
        """Make the plan not applyable, and say the way out."""
        self.refusals.append(Refusal(code, text, hint))

    def verbs(self, first: int) -> list[Verb]:
        """Return what the actions from number *first* on do."""
        return [action.verb for action in self.actions[first:]]

    @property
    def records(self) -> tuple[Bound | Unbound, ...]:
        """The changes of bindings, as the state takes them."""
        return tuple(
            Unbound(address) if binding is None else Bound(address, binding)
            for address, binding in self.bindings.items()
        )


def quoted(names: Iterable[str]) -> str:
    """Return *names* as they stand in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return `1 message` or `2 messages`; *many* is a plural that is not made by an s."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def _means(address: Address, choice: Choice) -> bool:
    return address in Selection((choice,), ()) if isinstance(choice, str) else choice
