"""The page of a plan: strangers' text in a plan is text on its page, whatever it says."""

from __future__ import annotations

import pytest

from reconciler.plans.outcome import Outcome
from reconciler.plans.plan import Plan
from reconciler.plans.seen import Seen
from reconciler.report.page import outcome_page, plan_page
from reconciler.text import inert
from tests.support import pages
from tests.support.hostile import CORPUS, page_of
from tests.support.plans import DONE, EMPTY, PARTLY, PLAN, REFUSED


@pytest.mark.parametrize("text", [text for kind in CORPUS.values() for text in kind])
def test_no_text_adds_an_element_or_is_lost(text: str) -> None:
    """The page has the elements of one with a plain word, and shows authors, people and files as they are."""
    plain, found = pages.read(page_of("plain")), pages.read(page_of(text))
    shown = inert.prose(text)

    assert tags(found) == tags(plain)
    for tag in ("b", "figcaption"):
        assert texts(found, tag) == [one.replace("plain", shown) for one in texts(plain, tag)]


@pytest.mark.parametrize(
    ("plan", "title", "chats"), [(PLAN, "Plan", 1), (REFUSED, "Plan refused", 1), (EMPTY, "Plan", 0)]
)
def test_a_plan_alone_makes_a_page(plan: Plan, title: str, chats: int) -> None:
    """A saved plan is shown without what it was made from."""
    root = pages.read(plan_page(plan, Seen(), made_by="reconciler 1"))

    assert texts(root, "h1") == [title]
    assert len(root.all("article", "chat")) == chats
    assert texts(root, "footer") == ["reconciler 1"]


@pytest.mark.parametrize(
    ("outcome", "summary", "marks"),
    [
        (
            DONE,
            "summary",
            {"+ was created", "-/+ was replaced", "~ was updated in-place"},
        ),
        (
            PARTLY,
            "summary bad",
            {"+ was created", "~ update failed: Twilio answered 429 five times in 31 s"},
        ),
    ],
)
def test_an_outcome_tells_what_became_of_each_action(outcome: Outcome, summary: str, marks: set[str]) -> None:
    """A failure is told with the words of the server."""
    root = pages.read(outcome_page(outcome, PLAN, Seen(), made_by="reconciler 1"))

    assert root.all("p", "summary")[0].attributes["class"] == summary
    assert marks <= {" ".join(one.text.split()) for one in root.all("span", "mark")}


def tags(root: pages.Element) -> list[str]:
    """Return the elements in their order, but for the marks of words."""
    found = []
    for one in root.children:
        if isinstance(one, pages.Element):
            found += [*([one.tag] if one.tag not in {"ins", "del"} else []), *tags(one)]
    return found


def texts(root: pages.Element, tag: str) -> list[str]:
    """Return the text of each such element."""
    return [one.text for one in root.all(tag)]
