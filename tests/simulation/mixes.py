"""Mixes of trouble: how often machines sleep, processes die, requests are late, and people interfere."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs


class Mix(Struct, frozen=True):
    """What happens in a history; each tuple has the choices, which are equally likely."""

    machines: tuple[int, ...] = (2, 2, 3)
    skews: tuple[float, ...] = (0, 4.5, -4.5, 4.5, -4.5)
    """Seconds by which the clock of a machine is ahead of the store's."""
    gaps: tuple[float, ...] = (0.1, 5, 100)
    """Seconds between the runs on a machine."""
    naps: tuple[int, ...] = (0, 1)
    """Times that a machine sleeps in one run."""
    points: tuple[str, ...] = ("write", "write", "read", "request")
    """Where it falls asleep, or is killed: at calls to the store, or after replies of the API."""
    dies: float = 0.3
    """How likely it is that a run is killed."""
    cancelled: float = 0.1
    """How likely it is that a run is cancelled within a minute."""
    calls: tuple[int, ...] = (0, 10, 40)
    """Of a thousand calls to the store, how many go wrong."""
    aimed_at: tuple[str, ...] = ("get", "names", "create", "swap", "delete")
    """Which of these calls go wrong."""
    requests: tuple[int, ...] = (0, 10, 40)
    """Of a thousand requests to the API, how many go wrong."""
    fates: tuple[str, ...] = ("never", "unanswered", "late")
    """What becomes of these: they never arrive, are not answered, or arrive after they were given up."""
    reads_fail: bool = True
    """Whether that happens to requests too that only read."""
    unlocks: tuple[int, ...] = (0, 0, 1)
    """Times that somebody unlocks the state."""
    unlocked_after: float = 300.0
    """Seconds from one to the next, at most."""
    busy: bool = False
    """Whether runs are cancelled and unlocked only while a request is under way that changes something.

    Half of the plans that are saved are made at such a moment too.
    """
    patience: tuple[int, ...] = (0, 900, 900)
    """Seconds for which a run waits for another one's lease, if its holder keeps it."""
    messages: tuple[int, ...] = (12, 20, 28)
    """How many messages each version of the manifest has in each conversation."""
    version_seconds: float = 600.0
    """Seconds from one version to the next."""
    pushes: tuple[int, ...] = ()
    """Times that somebody pushes a state that was pulled a while before; empty if the state is not edited."""
    moves: tuple[int, ...] = (0,)
    """Times that somebody moves an edited state to the other of two places."""
    reviews: tuple[float, ...] = ()
    """Seconds for which a plan is saved before it is applied; empty if runs plan for themselves.

    The state is there from the beginning then: it is that of the first version of the manifest.
    """
    slow: float = 1.0
    """How many times as long as usual a request to the API takes."""


_TOGETHER: Final = Mix(
    messages=(30, 45, 60), gaps=(0.1,), naps=(0,), dies=0.0, cancelled=0.0, patience=(900,)
)
_CALM: Final = structs.replace(_TOGETHER, calls=(0,), requests=(0,), unlocks=(0,))
"""Machines that want the lease all the time, and nothing that goes wrong."""

ANY: Final = Mix()
SLEEPY: Final = Mix(
    gaps=(0.1, 5), naps=(1, 2), dies=0.0, cancelled=0.0, calls=(0,), requests=(0,), unlocks=(0,)
)
"""Machines sleep until after their lease."""
DREAMING: Final = structs.replace(_CALM, naps=(1, 2), points=("request",))
"""Machines sleep until after their lease in the middle of their creates, and the next run is waiting."""
NAPPING: Final = structs.replace(SLEEPY, unlocks=(2, 4), unlocked_after=100.0)
"""Machines sleep, and people unlock the state meanwhile."""
UNLOCKED: Final = Mix(
    gaps=(0.1, 5),
    naps=(0,),
    dies=0.4,
    cancelled=0.2,
    calls=(40,),
    requests=(40,),
    unlocks=(4, 8),
    unlocked_after=12.0,
)
"""People unlock the state while it is used, and requests are late."""
LATE: Final = structs.replace(UNLOCKED, dies=0.2, cancelled=0.5, calls=(200,), requests=(200,), unlocks=(8,))
"""The same, and a fifth of all requests and calls goes wrong."""
SKEWED: Final = Mix(
    skews=(300, 0, -4.5),
    gaps=(0.1, 1, 5),
    naps=(0,),
    dies=0.0,
    cancelled=0.0,
    calls=(0,),
    requests=(0,),
    unlocks=(0,),
    slow=6.0,
)
"""Clocks are wrong by more than is allowed."""
TAKEN: Final = structs.replace(
    _CALM, requests=(0, 150), fates=("late",), unlocks=(2, 3), unlocked_after=12.0, busy=True
)
"""People unlock the state in the middle of a create, which may arrive late, and the next run is waiting."""
HALTED: Final = structs.replace(
    _CALM, requests=(200,), fates=("late",), reads_fail=False, cancelled=0.7, busy=True
)
"""Runs are cancelled in the middle of a create that arrives late, and the next one is waiting."""
CONTENDED: Final = structs.replace(
    _CALM,
    machines=(3,),
    calls=(500,),
    aimed_at=("swap",),
    requests=(100,),
    fates=("late",),
    reads_fail=False,
    slow=3.0,
    messages=tuple(range(10, 90, 10)),
    version_seconds=40.0,
)
"""Three machines swap the lease at the same time, and do not hear what came of it; creates are slow."""
REVIEWED: Final = structs.replace(
    _TOGETHER,
    calls=(0, 10),
    requests=(0, 10),
    dies=0.7,
    points=("write",),
    busy=True,
    unlocks=(0,),
    reviews=(1, 20, 60),
    messages=tuple(range(10, 60, 10)),
    version_seconds=60.0,
)
"""Plans are saved, also while others apply, and are applied later, some of them again."""
EDITED: Final = structs.replace(
    _TOGETHER,
    calls=(0, 10),
    requests=(0, 10),
    dies=0.2,
    cancelled=0.3,
    unlocks=(0,),
    unlocked_after=40.0,
    busy=True,
    pushes=(1, 2, 3),
    moves=(0, 1, 2),
    messages=tuple(range(10, 60, 10)),
    version_seconds=60.0,
)
"""People push states that they pulled, and move the state, while others want the lease."""
MIXES: Final = (
    ANY,
    ANY,
    SLEEPY,
    DREAMING,
    NAPPING,
    UNLOCKED,
    LATE,
    SKEWED,
    TAKEN,
    HALTED,
    CONTENDED,
    REVIEWED,
    EDITED,
)
