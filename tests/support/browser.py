"""Pages in a real browser: what they ask for, what runs in them, and what a checker finds for people."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

from tests.support.project import ROOT

AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
"""The checker of accessibility, as `npm install --no-save axe-core` puts it there."""
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""Its rules for the level AA of the guidelines."""
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = ("--no-sandbox", "--no-proxy-server", "--disable-dev-shm-usage")


@dataclass
class Visit:
    """One open page, and what happened on it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    """The address of each request that was sent."""
    signs: list[str] = field(default_factory=list)
    """What should not be: errors, what the policy stopped, and dialogs, which only scripts open."""

    def violations(self) -> list[str]:
        """Return what a person with a screen reader, a keyboard or weak eyes cannot use: rule and element."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(
            "rules => axe.run(document, {runOnly: rules}).then(found => found.violations)", RULES
        )
        return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element that *selector* finds, as the page holds it."""
        texts: list[str] = self.page.eval_on_selector_all(selector, "all => all.map(one => one.textContent)")
        return texts


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run a browser without a window."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    assert program is not None, "no Chromium is installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, **settings: Any) -> Iterator[Visit]:
    """Open a page in a context of its own; *settings* are those of the context, such as `color_scheme`."""
    context = browser.new_context(**settings)
    visit = Visit(context.new_page())

    def asked(request: Request) -> None:
        visit.requests.append(request.url)

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            visit.signs.append(message.text)

    def opened(dialog: Dialog) -> None:
        visit.signs.append(dialog.message)
        dialog.dismiss()

    visit.page.on("request", asked)
    visit.page.on("console", said)
    visit.page.on("dialog", opened)
    visit.page.on("pageerror", lambda error: visit.signs.append(str(error)))
    visit.page.on("popup", lambda page: visit.signs.append(page.url))
    yield visit
    context.close()
