"""A webhook that rewrites, lost replies, kills and re-runs: nothing that we posted is lost sight of.

    python -m tests.property.test_hooked_machine 400      so many lives, each of up to 20 steps

After every step each message that the tool has posted is bound, superseded, or above the boundary of an open
create of its conversation. And once whoever runs it has said what became of the unknown ones, an apply in
peace brings everything about: each declared message stands once, as it was sent or as the hook rewrote it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.errors import PlanError, RemoteError
from reconciler.model import ResourceType, parent_of, type_of
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, NotApplyable, conversation, together
from tests.support.mortal import Death, MortalFiles, PowerOff

KEYS: Final = tuple(f"k{number}" for number in range(5))
HOOKS: Final = ("<{body}>", "rewritten", "{body}")
OPTIONS: Final = Options(duplicate=True, allow_recreate=True, max_delete=100, max_delete_percent=True)
ON_WRITES: Final = (
    "create_message:p=0.5:reset_after",
    "create_message:p=0.5:delay=4",
    "create_message:p=0.5:reset_before",
    "create_message:p=0.5:truncate",
    "create_message:every=2:503_after",
    "*_message:p=0.5:reset_after",
    "create_conversation:p=0.5:reset_after",
    "create_conversation:p=0.5:delay=4",
    "POST:p=0.3:503_after",
    "DELETE:p=0.5:reset_after",
)
ON_READS: Final = (
    "list_messages:p=0.5:503",
    "list_messages:every=2:404/20404",
    "list_messages:late=4",
    "list_messages:stale=3",
    "*:p=0.1:503",
)

troubles = st.tuples(
    st.lists(st.sampled_from(ON_WRITES), min_size=1, max_size=2),
    st.lists(st.sampled_from(ON_READS), max_size=2),
).map(lambda both: [*both[0], *both[1]])
manifests = st.dictionaries(
    st.sampled_from("cd"),
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.sampled_from(["Hello", "Hello", "Bye"]), st.booleans()),
        max_size=5,
        unique_by=lambda one: one[0],
    ),
)
"""What is rewritten of the manifest: by conversation the key, body and whether webhooks are on."""
moments = st.one_of(
    st.tuples(st.just("create_message"), st.integers(1, 4)),
    st.tuples(st.just("POST"), st.integers(1, 6)),
    st.tuples(st.just("call"), st.integers(1, 40)),
)
"""What is counted until a process dies, and how far: requests of a kind, or calls to the disk."""


class Hooked(RuleBasedStateMachine):
    """A pipeline on an account whose webhook rewrites what is posted, and on a bad line."""

    @initialize(hook=st.sampled_from(HOOKS), orders=st.tuples(*[st.sampled_from(["append", "strict"])] * 2))
    def begin(self, hook: str, orders: tuple[str, str]) -> None:
        """Start with an empty account."""
        self.place = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.place.name))
        self.hook = f"*_message:rewrite_body={hook}"
        self.orders = dict(zip("cd", orders, strict=True))
        self.declared: dict[str, list[tuple[str, str, bool]]] = {"c": [], "d": []}
        self.foreign: set[str] = set()

    def teardown(self) -> None:
        """Close what is open."""
        if hasattr(self, "desk"):
            self.desk.emulator.close()
            self.place.cleanup()

    # What happens.

    @rule(name=st.sampled_from("cd"))
    def post(self, name: str) -> None:
        """Post as a stranger, and what no manifest says: else nobody could tell whose it is."""
        if name in self.desk.conversations:
            self.foreign.add(self.desk.post(name, "Other"))

    @rule(changes=manifests, trouble=troubles, seed=st.integers(0, 9))
    def apply_in_trouble(
        self, changes: dict[str, list[tuple[str, str, bool]]], trouble: list[str], seed: int
    ) -> None:
        """Apply on a bad line; it may fail, and say so."""
        self.declared |= changes
        self.desk.emulator.faults.seed = seed
        self.desk.fault(self.hook, *trouble)
        with suppress(RemoteError, NotApplyable, PlanError):
            self.desk.apply(self.manifest, OPTIONS)

    @rule(changes=manifests, trouble=troubles, seed=st.integers(0, 9), moment=moments, half=st.booleans())
    def apply_and_die(
        self,
        changes: dict[str, list[tuple[str, str, bool]]],
        trouble: list[str],
        seed: int,
        moment: tuple[str, int],
        half: bool,  # noqa: FBT001  # drawn
    ) -> None:
        """Apply in a process that is gone at any moment: a write is done by *half*, a request is handled."""
        self.declared |= changes
        death = Death(*moment, torn=half)
        kind = "*" if death.what == "call" else death.what
        self.desk.emulator.faults.seed = seed
        self.desk.fault(self.hook, Fault(kind, Invoke(death.request, after=half)), *trouble)
        with suppress(RemoteError, NotApplyable, PlanError, PowerOff):
            self.desk.apply(self.manifest, OPTIONS, files=MortalFiles(death))

    @rule(changes=manifests)
    def apply(self, changes: dict[str, list[tuple[str, str, bool]]]) -> None:
        """Say what became of the unknown, and apply in peace: then everything is as declared."""
        self.desk.fault(self.hook)
        self.desk.elapsed += 60
        self.resolve()
        self.declared |= changes
        outcome = self.desk.apply(self.manifest, OPTIONS)
        assert {result.status for result in outcome.results} <= {Status.DONE}
        assert not self.desk.plan(self.manifest, OPTIONS).actions
        for name, declared in self.declared.items():
            self.expect(name, declared)

    def resolve(self) -> None:
        """Do by hand what the plan asks for: import what was created, and forget what was not."""
        while unknown := self.unknown():
            address = unknown.pop()
            intent = self.desk.open_intents()[address]
            made = [one for one in self.unbound(parent_of(address)) if one["index"] > intent.boundary]
            if made:
                self.desk.bind(address, made[0]["sid"], self.manifest)
            else:
                self.desk.close_intent(address)

    def unknown(self) -> set[str]:
        """Return the addresses of which the plan says that nobody can tell."""
        plan = self.desk.plan(self.manifest, OPTIONS)
        told = [one.text for one in plan.refusals if one.code == "unknown_outcome"]
        told += [one.text for one in plan.warnings if one.code == "unknown_outcome"]
        return {match[1] for text in told if (match := re.match("whether `([^`]+)`", text))}

    # What holds.

    def expect(self, name: str, declared: list[tuple[str, str, bool]]) -> None:
        """Hold what stands against what is declared."""
        live = {message["sid"]: message for message in self.desk.messages(name)}
        bound = [self.desk.state.bindings[f"desk/{name}/{key}"].sid for key, _, _ in declared]
        rewritten = self.hook.partition("=")[2]
        for sid, (_, body, _) in zip(bound, declared, strict=True):
            assert live[sid]["body"] in {body, rewritten.replace("{body}", body)}
        assert len(live) == len(set(bound)) + len(self.foreign & live.keys())
        indexes = [live[sid]["index"] for sid in bound]
        assert self.orders[name] == "append" or indexes == sorted(indexes)

    @invariant()
    def nothing_that_we_posted_is_lost_sight_of(self) -> None:
        """It is bound, or superseded, or what became of a create is still open."""
        if not hasattr(self, "desk") or not self.desk.state_path.exists():
            return
        boundaries: dict[str, int] = {}
        for address, intent in self.desk.open_intents().items():
            if type_of(address) is ResourceType.MESSAGE:
                name = parent_of(address)
                boundaries[name] = min(boundaries.get(name, intent.boundary), intent.boundary)
        for name in self.desk.conversations:
            at = f"desk/{name}"
            lost = [one for one in self.unbound(at) if at not in boundaries or one["index"] <= boundaries[at]]
            assert not lost, f"nobody knows of {lost}"

    def unbound(self, at: str) -> list[dict[str, Any]]:
        """Return the messages that we posted to a conversation and to which no address is bound."""
        known = set(self.foreign)
        for binding in self.desk.state.bindings.values():
            known |= {binding.sid, *binding.superseded}
        return [one for one in self.desk.messages(at.partition("/")[2]) if one["sid"] not in known]

    @property
    def manifest(self) -> str:
        """The manifest as it is now; a conversation without messages is not in it."""
        rooms = [
            conversation(
                *(
                    f"{{key: {key}, body: {body}, webhooks: {str(webhooks).lower()}}}"
                    for key, body, webhooks in declared
                ),
                name=name,
                settings=f"order: {self.orders[name]}",
            )
            for name, declared in self.declared.items()
            if declared
        ]
        return together(*rooms) if rooms else "version: 1\nservices:\n  desk: {}\n"


LIFE: Final = settings(
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # lives are short, and shrinking one takes minutes
)
TestHooked = Hooked.TestCase
TestHooked.settings = settings(LIFE, max_examples=12)

if __name__ == "__main__":
    run_state_machine_as_test(Hooked, settings=settings(LIFE, max_examples=int(sys.argv[1])))
