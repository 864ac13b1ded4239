"""Each rule of a manifest has a file that breaks it, and a golden text of the whole complaint."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.load import load
from reconciler.report.errors import render_error
from tests.support.foreign import without_quotes
from tests.support.golden import expect_text

BROKEN = Path(__file__).parents[2] / "manifests" / "broken"
CASES = sorted(
    path.name
    for path in BROKEN.iterdir()
    if path.suffix == ".yaml" or (path.is_dir() and list(path.glob("*.yaml")))
)


def complaint_about(case: str) -> str:
    """Return what a user reads who runs a command on *case* inside the folder of broken manifests."""
    with pytest.raises(ManifestError) as caught:
        load([Path(case)])
    return without_quotes(render_error(caught.value))


def golden(case: str) -> Path:
    """Return where the whole text about *case* is kept."""
    return BROKEN / f"{Path(case).stem}.txt"


@pytest.mark.parametrize("case", CASES)
def test_a_broken_manifest_is_refused_with_place_and_sentence(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every problem has a file, a line, a column, the line itself and a sentence."""
    monkeypatch.chdir(BROKEN)

    expect_text(complaint_about(case), golden(case))


def test_no_golden_text_is_left_over() -> None:
    """A golden text without its manifest would claim what nobody checks."""
    assert {path.name for path in BROKEN.glob("*.txt")} == {golden(case).name for case in CASES}
