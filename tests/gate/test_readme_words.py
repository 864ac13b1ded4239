"""The README files are short, in short sentences, and no link in them leads to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import ROOT
from tests.support.readmes import anchors, links, readmes, sentences

BYTES = 9_000
WORDS = 25

EACH = pytest.mark.parametrize("path", readmes(), ids=lambda path: str(path.relative_to(ROOT)))


def test_the_readme_is_short() -> None:
    """What is longer belongs beside an example."""
    assert len((ROOT / "README.md").read_bytes()) <= BYTES


@EACH
def test_sentences_are_short(path: Path) -> None:
    """None has more words than can be held in mind; a word is what stands between spaces, in code too."""
    long = {each: len(each.split()) for each in sentences(path.read_text(encoding="utf-8"))}

    assert {each: words for each, words in long.items() if words > WORDS} == {}


@EACH
def test_links_lead_somewhere(path: Path) -> None:
    """To a file or folder of the clone, and to a heading in it."""
    lost = []
    for link in links(path.read_text(encoding="utf-8")):
        to, _, heading = link.partition("#")
        target = path.parent / to if to else path
        if ":" in link or (target.exists() and not heading):
            continue
        readme = target / "README.md" if target.is_dir() else target
        if not readme.is_file() or heading not in anchors(readme.read_text(encoding="utf-8")):
            lost.append(link)

    assert lost == []


def test_every_example_is_in_the_index() -> None:
    """What is shown to nobody rots, and what is not told is not understood."""
    index = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    folders = [path for path in (ROOT / "examples").iterdir() if path.is_dir() and path.name != "__pycache__"]

    assert [path.name for path in folders if f"]({path.name})" not in index] == []
    assert [path.name for path in folders if not (path / "README.md").is_file()] == []
