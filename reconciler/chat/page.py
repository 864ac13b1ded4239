"""Render pages of chats as HTML that needs no script and sends no request.

Jinja2 escapes every value. Before that, every value passes `text.inert`, so that what a stranger wrote can
neither act nor pose as something else. Importing this module imports Jinja2.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from reconciler.chat.layout import day, time_of_day
from reconciler.chat.style import STYLE
from reconciler.chat.templates import CHAT, PAGE
from reconciler.chat.values import Page
from reconciler.text import inert

LARGEST_PICTURE: Final = 256 * 1024
"""Bytes of a picture that is part of a page; a larger one is only named."""
_PICTURES: Final = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
"""Types that hold pixels alone. An SVG picture is a document, so it is only named."""


def source_hash(text: str) -> str:
    """Return the source expression of an inline style or script in a policy: `'sha256-…'`."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY: Final = f"default-src 'none'; img-src data:; style-src {source_hash(STYLE)}"
"""The Content-Security-Policy of a page that only shows."""


def environment(templates: Mapping[str, str] | None = None) -> Environment:
    """Return a Jinja2 environment with `page.html` and `chat.html`, and further *templates* by name.

    It escapes everything, and it refuses names that it does not know.
    """
    made = Environment(
        loader=DictLoader({"page.html": PAGE, "chat.html": CHAT, **(templates or {})}),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=False,
        auto_reload=False,
    )
    made.filters |= {"day": day, "clock": time_of_day}
    made.globals |= {"style": Markup(STYLE), "policy": Markup(POLICY)}  # noqa: S704  # both are our own
    return made


def render(page: Page) -> str:
    """Return *page* as one file of HTML."""
    return _environment().get_template("page.html").render(page=page)


def picture(content_type: str, data: bytes) -> str:
    """Return a picture as a `data:` address; empty if it is too large, or no picture that a page shows."""
    if content_type not in _PICTURES or len(data) > LARGEST_PICTURE:
        return ""
    return f"data:{content_type};base64,{b64encode(data).decode()}"


@cache
def _environment() -> Environment:
    return environment()


def _harmless(value: Any) -> Any:
    """Return *value* as it may be shown; what a template has put together already is left alone."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return inert.prose(value)
    return value
