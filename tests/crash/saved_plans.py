"""Saved plans under which processes are killed."""

from __future__ import annotations

from tests.crash.scenarios import Scenario, manifest, same

_CHANGES = tuple(
    Scenario(
        name,
        before=manifest(
            a=(
                "friendly_name: Old; participants: [{identity: alice}]",
                [("m1", "1"), ("m2", "2"), ("m3", "Hi"), ("m4", "4")],
            ),
            b=("order: strict", [("n1", "1"), ("n2", "2"), ("n3", "3")]),
        ),
        strangers={"a": ["Hello", "theirs"]},
        wanted=manifest(
            a=(
                "friendly_name: New; participants: [{identity: bob}]",
                [("m1", "one"), ("m2", "2"), ("renamed", "Hi"), *same(3), ("m5", "5")],
            ),
            b=("order: strict", [("n1", "1"), ("new", "new"), ("n2", "2"), ("n3", "3")]),
            c=("participants: [{identity: alice}]; state: inactive", [*same(3), ("end", "Bye")]),
        ),
        after={
            "a": ["one", "2", "Hi", "Hello", "theirs", "Hello", "Hello", "5"],
            "b": ["1", "new", "2", "3"],
            "c": ["Hello", "Hello", "Hello", "Bye"],
        },
        people={"a": ["bob"], "c": ["alice"]},
        states={"c": "inactive"},
        flags=("--adopt", "--max-delete", "100%"),
        saved=True,
        rolled_back=rolled_back,
    )
    for name, rolled_back in (("saved-plan", False), ("saved-plan-rolled-back", True))
)
_FIRST = Scenario(
    "saved-first-apply",
    wanted=manifest(a=("participants: [{identity: alice}]; state: inactive", same(3)), b=("", [("n1", "1")])),
    after={"a": ["Hello", "Hello", "Hello"], "b": ["1"]},
    people={"a": ["alice"]},
    states={"a": "inactive"},
    saved=True,
)
"""Neither service nor state is there before, so no parent of an open create is on record."""
SAVED_PLANS = (*_CHANGES, _FIRST)
