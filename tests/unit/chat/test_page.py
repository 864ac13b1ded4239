"""A page of chats shows every text as text, and can neither run, load nor send anything."""

from __future__ import annotations

import pytest

from reconciler.chat.layout import changed_words, on_the_right, people, runs
from reconciler.chat.page import LARGEST_PICTURE, picture, render
from reconciler.chat.values import (
    Bubble,
    Mark,
    Page,
    Person,
    Words,
)
from reconciler.text import inert
from tests.support import pages
from tests.support.everywhere import MARKUP, page_of
from tests.support.hostile import CORPUS


@pytest.mark.parametrize("text", [*MARKUP, *(text for kind in CORPUS.values() for text in kind)])
def test_what_strangers_wrote_is_text_wherever_it_stands(text: str) -> None:
    """The page has the elements of one with a plain word, and that text in its places, harmless."""
    shown = inert.prose(text)
    plain = pages.read(render(page_of("plain")))
    found = pages.read(render(page_of(text)))

    assert _shape(found) == _shape(plain)
    assert _texts(found) == [one.replace("plain", shown) for one in _texts(plain)]


def test_the_policy_allows_pictures_and_this_style_sheet() -> None:
    """Nothing else: no script, no font, no request."""
    root = pages.read(render(Page("Plan")))

    assert pages.policy(root) == "default-src 'none'; img-src data:; style-src 'sha256-…'"


def test_a_page_is_told_by_landmarks_and_headings() -> None:
    """A screen reader finds its language, one main part, the list of conversations and every message."""
    root = pages.read(render(page_of("text")))

    assert root.all("html")[0].attributes == {"lang": "en"}
    assert [len(root.all(tag)) for tag in ("main", "nav", "h1", "h2", "h3")] == [1, 1, 1, 1, 2]
    assert {one.attributes["href"] for one in root.all("nav")[0].all("a")} == {"#c0-0", "#c0-1"}
    assert [one.attributes["alt"] for one in root.all("img")] == ["text", "text"]
    assert len(root.all("li", "row")) == 12


def test_a_change_has_a_sign_a_colour_and_words() -> None:
    """Whoever sees no colour reads the same."""
    (row, *_) = pages.read(render(page_of("will be updated"))).all("li", "changed")
    (mark, *_) = row.all("span", "mark")

    assert mark.text.split() == ["~", "will", "be", "updated"]
    assert [one.text for one in row.all("p", "body")] == [
        "Before: will be updated",
        "After: will be updatedwill be updated",
    ]


@pytest.mark.parametrize(
    ("changed", "folds"),
    [
        (set(), [(12, True)]),
        ({0}, [(4, False), (8, True)]),
        ({6}, [(3, True), (7, False), (2, True)]),
        ({5, 11}, [(2, True), (10, False)]),
        ({4}, [(8, False), (4, True)]),
    ],
)
def test_three_neighbours_of_a_change_are_shown(changed: set[int], folds: list[tuple[int, bool]]) -> None:
    """The rest is folded away, but for a single message, which takes no more room than its fold."""
    bubbles = [
        Bubble("ada", name=str(at), mark=Mark.CHANGED if at in changed else Mark.SAME) for at in range(12)
    ]
    found = runs(bubbles)

    assert [(len(run.bubbles), run.folded) for run in found] == folds
    assert [one for run in found for one in run.bubbles] == bubbles


def test_words_that_changed_are_marked() -> None:
    """What both texts have in common is not."""
    before, after = changed_words("It is late.", "It was late!")

    assert [one.text for one in before if one.mark is Mark.DELETED] == ["is", "."]
    assert [one.text for one in after if one.mark is Mark.ADDED] == ["was", "!"]
    assert "".join(one.text for one in after) == "It was late!"


def test_texts_too_long_to_compare_are_marked_whole() -> None:
    """The comparison takes the product of their lengths."""
    old, new = "a b " * 3_000, "b c " * 3_000

    assert changed_words(old, new) == ((Words(old, Mark.DELETED),), (Words(new, Mark.ADDED),))


def test_people_are_numbered_as_they_first_speak() -> None:
    """What Twilio calls `system` is no person, so it comes last."""
    assert people(["system", "ada", "bot", "ada", "bo"]) == {"ada": 0, "bot": 1, "bo": 2, "system": 3}


@pytest.mark.parametrize(
    ("authors", "crowd", "left"),
    [
        ("system ada bot ada", "", {"ada"}),
        ("bot ada nora", "ada nora", {"ada"}),
        ("nora ada bot", "nora ada", {"nora"}),
        ("nora +49 +33", "nora +49 +33", {"+49", "+33"}),
        ("nora ada", "nora ada +49", {"nora"}),
        ("system", "ada", set()),
    ],
)
def test_who_is_served_stands_on_the_left(authors: str, crowd: str, left: set[str]) -> None:
    """People outside the chat who speak, else the first participant, else the first author."""
    people = [Person(name, outside=name.startswith("+")) for name in crowd.split()]
    names = authors.split()

    assert set(names) - on_the_right(names, people) == left


def test_only_small_pictures_are_part_of_a_page() -> None:
    """An SVG picture is a document of its own, and a large one would bury the text."""
    assert picture("image/png", b"12").startswith("data:image/png;base64,")
    assert picture("image/png", bytes(LARGEST_PICTURE))
    assert picture("image/png", bytes(LARGEST_PICTURE + 1)) == ""
    assert picture("image/svg+xml", b"<svg/>") == ""
    assert picture("text/html", b"x") == ""


def _shape(one: pages.Element) -> list[object]:
    """Return the tags and classes of a tree."""
    inside = [_shape(child) for child in one.children if isinstance(child, pages.Element)]
    return [one.tag, one.attributes.get("class"), *inside]


def _texts(one: pages.Element) -> list[str]:
    """Return the text of each element without the blanks around it, and the texts of attributes."""
    texts = [text for name in ("alt", "aria-label", "datetime") if (text := one.attributes.get(name))]
    texts += ["".join(child for child in one.children if isinstance(child, str))]
    for child in one.children:
        if isinstance(child, pages.Element):
            texts += _texts(child)
    return texts
