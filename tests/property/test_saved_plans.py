"""Saved plans in any order, with kills, older states and others who post: never a duplicate."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.errors import PlanError
from reconciler.plans.options import Options
from tests.support.desk import Desk, NotApplyable, conversation
from tests.support.mortal import Death, MortalFiles, PowerOff

KEYS = tuple(f"k{number}" for number in range(5))
OPTIONS = Options(allow_recreate=True)
REFUSED = (PlanError, NotApplyable)


class Pipeline(RuleBasedStateMachine):
    """Jobs that plan and apply, with whatever state and plan a cache gives them; a key is also the body."""

    @initialize()
    def begin(self) -> None:
        """Start with an empty account."""
        self.place = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.place.name))
        self.declared: list[str] = ["k0"]
        self.plans: list[bytes] = []
        self.states: list[bytes] = []
        self.theirs: Counter[str] = Counter()
        self.desk.apply(self.manifest)

    def teardown(self) -> None:
        """Close what is open."""
        if hasattr(self, "desk"):
            self.desk.emulator.close()
            self.place.cleanup()

    @rule(key=st.sampled_from(KEYS))
    def post(self, key: str) -> None:
        """Post, as somebody else, what the manifest says or will say."""
        if self.desk.conversations:
            self.desk.post("c", key)
            self.theirs[key] += 1
            self.desk.elapsed += 60

    @rule(keys=st.sets(st.sampled_from(KEYS)))
    def plan(self, keys: set[str]) -> None:
        """Write messages into the manifest, save a plan, and keep the state that it was made with."""
        self.declared += sorted(keys.difference(self.declared))
        with suppress(*REFUSED):
            self.plans.append(self.desk.save(self.manifest, OPTIONS))
        if self.desk.state_path.exists():
            self.states.append(self.desk.state_path.read_bytes())

    @rule(
        which=st.integers(0, 1),
        at=st.integers(1, 14),
        half=st.booleans(),
        dies=st.booleans(),
        lost=st.booleans(),
    )
    def apply_plan(self, which: int, at: int, half: bool, dies: bool, lost: bool) -> None:  # noqa: FBT001  # drawn
        """Apply a plan, in a process that perhaps dies at a request; the state that it left may be lost."""
        if not self.plans:
            return
        death = Death("request", at if dies else 1_000, torn=half)
        self.desk.fault(Fault("*", Invoke(death.request, after=half)))
        with suppress(*REFUSED, PowerOff):
            self.desk.apply_saved(self.plans[-1 - which % len(self.plans)], files=MortalFiles(death))
        self.desk.fault()
        if lost:
            self.roll_back(which=0, journal=False)

    @rule(adopt=st.booleans())
    def apply(self, adopt: bool) -> None:  # noqa: FBT001  # drawn
        """Apply the manifest in one go."""
        with suppress(*REFUSED):
            self.desk.apply(self.manifest, Options(allow_recreate=True, adopt=adopt))

    @rule(which=st.integers(0, 1), journal=st.booleans())
    def roll_back(self, which: int, journal: bool) -> None:  # noqa: FBT001  # drawn
        """Put an older state back, or lose the journal alone."""
        Path(f"{self.desk.state_path}.journal").unlink(missing_ok=True)
        if self.states and not journal:
            self.desk.state_path.write_bytes(self.states[-1 - which % len(self.states)])

    @invariant()
    def nothing_stands_twice(self) -> None:
        """Each text stands once, and as often besides as others posted it."""
        if hasattr(self, "desk") and self.desk.conversations:
            counts = Counter(self.desk.bodies("c"))
            assert all(count <= 1 + self.theirs[body] for body, count in counts.items()), counts

    @property
    def manifest(self) -> str:
        """The manifest as it is now."""
        return conversation(*(f"{key}: {key}" for key in self.declared))


TestPipeline = Pipeline.TestCase
TestPipeline.settings = settings(
    max_examples=100,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
