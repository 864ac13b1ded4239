"""Pages of plans and transcripts in a browser: everybody can read them, and strangers' text does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from reconciler.chat.page import render
from reconciler.plans.seen import Seen
from reconciler.report.page import plan_page
from reconciler.report.transcript import transcript_page
from reconciler.text.inert import prose
from tests.support import pages
from tests.support.browser import Visit, visiting
from tests.support.everywhere import MARKUP, page_of
from tests.support.hostile import CORPUS, live_of
from tests.support.hostile import page_of as plan_page_of
from tests.support.plans import PLAN, REFUSED

PHONE = {"width": 390, "height": 800}
WALK = """() => {
  const own = one => [...one.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join('');
  return [...document.querySelectorAll('body *')].map(one => [one.localName, own(one)]);
}"""
"""Returns each element inside the body with the text that is directly in it."""


def look(visit: Visit, folder: Path, html: str) -> str:
    """Open *html* as a file, and return its address."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    visit.page.goto(file.as_uri())
    return file.as_uri()


def test_what_strangers_wrote_is_text_wherever_it_stands(visit: Visit, tmp_path: Path) -> None:
    """The browser has the elements and texts that were meant; it runs nothing and asks for nothing else."""
    texts = [*MARKUP, *(text for kind in CORPUS.values() for text in kind)]
    html = render(page_of(*texts))
    address = look(visit, tmp_path, html)
    (body,) = pages.read(html).all("body")

    assert [tuple(one) for one in visit.page.evaluate(WALK)] == list(walk(body))
    assert visit.texts("section > h2 > .dim") == list(map(prose, texts))
    assert visit.texts("details.chat .row.changed .who") == list(map(prose, texts))
    assert visit.signs == []
    assert [one for one in visit.requests if not one.startswith("data:")] == [address]


@pytest.mark.parametrize("kind", sorted(CORPUS))
def test_a_plan_of_strangers_does_nothing(visit: Visit, tmp_path: Path, kind: str) -> None:
    """Also as the reports put it together."""
    for text in CORPUS[kind]:
        html = plan_page_of(text)
        look(visit, tmp_path, html)
        (body,) = pages.read(html).all("body")

        assert [tuple(one) for one in visit.page.evaluate(WALK)] == list(walk(body))
    assert visit.signs == []
    assert {one for one in visit.requests if not one.startswith("data:")} == {
        (tmp_path / "page.html").as_uri()
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_a_checker_finds_nothing_that_anybody_cannot_use(
    chromium: Browser, tmp_path: Path, scheme: str, *, phone: bool
) -> None:
    """In both schemes, on a phone too, with everything opened: level AA of the guidelines."""
    settings = {"color_scheme": scheme} | ({"viewport": PHONE} if phone else {})
    shown = (
        render(page_of("A text that is long enough to be read by somebody")),
        plan_page(PLAN, Seen(), made_by="reconciler 1"),
        plan_page(REFUSED, Seen(), made_by="reconciler 1"),
        transcript_page([live_of("text")], made_by="reconciler 1"),
    )
    for html in shown:
        with visiting(chromium, **settings, bypass_csp=True) as visit:
            look(visit, tmp_path, html)
            assert visit.violations() == []
            visit.page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
            assert visit.violations() == []
            width = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert width <= 0  # nothing has to be scrolled sideways


def test_a_page_is_used_with_the_keyboard(visit: Visit, tmp_path: Path) -> None:
    """The first stop leads past the list of conversations; folds open with Enter."""
    look(visit, tmp_path, render(page_of("text")))
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("location.hash") == "#main"

    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.parentNode.open") is False
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.parentNode.open") is True


def test_a_fold_is_open_on_paper(visit: Visit, tmp_path: Path) -> None:
    """Nobody can open one there."""
    look(visit, tmp_path, render(page_of("text")))
    first = visit.page.locator("details.fold .bubble").first
    assert not first.is_visible()
    visit.page.emulate_media(media="print")
    assert first.bounding_box() is not None


def walk(one: pages.Element) -> Iterator[tuple[str, str]]:
    """Yield each element inside of *one* with the text that is directly in it."""
    for child in one.children:
        if isinstance(child, pages.Element):
            yield child.tag, "".join(part for part in child.children if isinstance(part, str))
            yield from walk(child)
