"""What the planner costs per message where nothing is to be done, and which part costs what.

Run `python -m tests.benchmarks.plan`. Beside the whole stands the floor: one comparison of two equal
dictionaries per message. Times differ by machine; the ratio and the growth are what matters.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import msgspec

from reconciler.model import (
    Conversation,
    ConversationView,
    Desired,
    Message,
    Remote,
    RemoteConversation,
    RemoteMessage,
    RemoteService,
    Service,
)
from reconciler.planner.build import build_plan
from reconciler.plans.options import Options
from reconciler.state.model import State
from reconciler.state.remembered import Binding

PER_CONVERSATION = 100
SIZES = (10_000, 100_000)
ROUNDS = 5
SHOWN = 12
DATE = "2026-01-05T09:00:00Z"


def world_of(size: int) -> tuple[Desired, Remote, State]:
    """Return *size* applied messages with an author, a body, two attributes and a date each."""
    state = State(lineage="0" * 32, account_sid="AC1", origin="emulator:1")
    state.bindings["desk"] = Binding("IS1")
    conversations = []
    views = {}
    for number in range(size // PER_CONVERSATION):
        name, sid = f"order-{number}", f"CH{number:032x}"
        wanted, view = [], {}
        for index in range(PER_CONVERSATION):
            key, message_sid = f"message-{index}", f"IM{number:016x}{index:016x}"
            fields = {
                "author": f"person-{index % 7}",
                "body": f"{index:04} " * 16,
                "attributes": f'{{"importance":"high","number":{index}}}',
                "date_created": DATE,
            }
            wanted.append(msgspec.convert({"key": key, "line": index, **fields}, Message))
            live = {"sid": message_sid, "index": index, **fields}
            view[message_sid] = msgspec.json.decode(msgspec.json.encode(live), type=RemoteMessage)
            sent = {field: state.digest(field, text) for field, text in fields.items()}
            state.bindings[f"desk/{name}/{key}"] = Binding(message_sid, "IS1", sid, index, sent)
        conversations.append(
            Conversation(name=name, path="m.yaml", line=1, unique_name=name, messages=tuple(wanted))
        )
        views[f"desk/{name}"] = ConversationView(RemoteConversation(sid, unique_name=name), view)
        sent = {"unique_name": state.digest("unique_name", name)}
        state.bindings[f"desk/{name}"] = Binding(sid, "IS1", sent=sent)
    service = Service(
        name="desk", path="m.yaml", line=1, friendly_name="desk", conversations=tuple(conversations)
    )
    return (
        Desired((service,), "sha256:0"),
        Remote(services={"desk": RemoteService("IS1", "desk")}, conversations=views),
        state,
    )


def floor_of(size: int) -> Callable[[], object]:
    """Return what compares *size* pairs of equal dictionaries."""
    pairs = [
        (
            {"author": "alice", "body": f"{number:04} " * 16, "attributes": "{}", "date_created": DATE},
            {"author": "alice", "body": f"{number:04} " * 16, "attributes": "{}", "date_created": DATE},
        )
        for number in range(size)
    ]
    return lambda: sum(one == other for one, other in pairs)


def fastest(act: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some rounds."""
    times = []
    for _ in range(ROUNDS):
        started = perf_counter()
        act()
        times.append(perf_counter() - started)
    return min(times)


def shares(act: Callable[[], object]) -> list[tuple[str, float]]:
    """Return the share of the whole that is spent in each function itself, the largest first."""
    profile = cProfile.Profile()
    profile.runcall(act)
    stats = pstats.Stats(profile)
    spent: list[tuple[float, str]] = []
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        spent.append((own, f"{Path(file).stem}.{function}" if file != "~" else function))
    whole = sum(own for own, _ in spent)
    return [(name, own / whole) for own, name in sorted(spent, reverse=True)[:SHOWN]]


def say(line: str) -> None:
    """Print *line* at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    gc.disable()  # as the command does while it plans
    for size in SIZES:
        desired, remote, state = world_of(size)
        made = build_plan(desired, remote, state)
        assert (made.no_ops, made.actions) == (size, ())
        floor = fastest(floor_of(size)) / size * 1e6
        whole = fastest(lambda: build_plan(desired, remote, state)) / size * 1e6  # noqa: B023
        recording = Options(record=True)
        apply = fastest(lambda: build_plan(desired, remote, state, recording)) / size * 1e6  # noqa: B023
        say(
            f"{size:,} messages: {whole:.2f} µs each, {whole / floor:.1f} times the floor of {floor:.2f} µs; "
            f"{apply:.2f} µs where `apply` checks the state too"
        )
    say("share of the functions themselves, as the profiler sees it:")
    for name, share in shares(lambda: build_plan(desired, remote, state)):
        say(f"  {share:5.1%}  {name}")


if __name__ == "__main__":
    main()
