"""What the blocks `import`, `moved` and `removed` of manifests become."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.manifest.load import load
from reconciler.model import Desired, Import, Move

SERVICES = """\
version: 1
services:
  support:
    conversations:
      order-1:
        messages:
          - {key: hello, body: Hi}
"""
HELLO = "support/order-1/hello"
SID = "IM" + "0" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a manifest of one message."""
    (tmp_path / "a.yaml").write_text(SERVICES)
    return tmp_path


def loaded(folder: Path, blocks: str, name: str = "b.yaml") -> Desired:
    """Return the folder's manifests with *blocks* in one more file."""
    (folder / name).write_text(f"version: 1\n{blocks}")
    return load([folder])


def test_blocks_of_all_files_are_merged(folder: Path) -> None:
    """They may stand in a file of their own, beside what they are about or not."""
    loaded(folder, f"import:\n  - {{to: {HELLO}, sid: {SID}}}\n")

    desired = loaded(
        folder,
        f"moved:\n  - {{from: old/order-1/hello, to: {HELLO}}}\nremoved:\n  - {{from: old/order-2}}\n",
        "c.yaml",
    )

    assert desired.imports == (Import(HELLO, SID),)
    assert desired.moves == (Move("old/order-1/hello", HELLO),)
    assert desired.removed == ("old/order-2",)


def test_a_chain_of_moves_may_end_in_what_is_removed_or_declared(folder: Path) -> None:
    """Every rename of the past may stay in the manifests."""
    desired = loaded(
        folder,
        "moved:\n"
        "  - {from: support/order-1/a, to: support/order-1/b}\n"
        f"  - {{from: support/order-1/b, to: {HELLO}}}\n"
        "  - {from: support/order-2, to: support/order-3}\n"
        "removed:\n"
        "  - {from: support/order-3}\n",
    )

    assert len(desired.moves) == 3


def test_what_a_for_each_makes_can_be_named(folder: Path) -> None:
    """An address has the key of its item in brackets."""
    (folder / "a.yaml").write_text(
        SERVICES.replace("order-1:", "order:\n        for_each: ['4711', '4712']").replace(
            "body: Hi", "body: 'Hi ${each.key}'"
        )
    )

    desired = loaded(folder, f"import:\n  - {{to: 'support/order[4711]/hello', sid: {SID}}}\n")

    assert desired.imports == (Import("support/order[4711]/hello", SID),)


def test_blocks_are_part_of_what_a_plan_is_made_from(folder: Path) -> None:
    """A saved plan is refused when the blocks are others by now, but not for their order."""
    plain = load([folder]).digest
    two = ("  - {from: support/x}\n", "  - {from: support/y}\n")
    digest = loaded(folder, "removed:\n" + "".join(two)).digest

    assert digest != plain
    assert digest == loaded(folder, "removed:\n" + "".join(reversed(two))).digest
