"""Read a page of HTML as a browser would, and judge that it can neither run, load nor send anything."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"meta", "link", "img"})
"""Elements without an end tag, of those that a page may have."""
TAGS: Final = re.compile(
    "html|head|meta|title|link|style|body|a|header|h[1-3]|p|b|nav|[uo]l|li|span|main|section|article|details|"
    "summary|div|d[ltd]|del|ins|time|figure|img|figcaption|footer"
)
"""The elements that a page may have; none of them runs, embeds or sends anything."""
ATTRIBUTES: Final = re.compile(
    "alt|aria-hidden|aria-label|charset|class|content|datetime|href|http-equiv|id|lang|name|rel|src"
)
"""The attributes that they may have."""


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside."""
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    def all(self, tag: str, kind: str = "") -> list[Element]:
        """Return the elements inside that are called *tag*, and have the class *kind* if one is given."""
        found = []
        for one in self.children:
            if isinstance(one, Element):
                if tag == one.tag and (not kind or kind in (one.attributes.get("class") or "").split()):
                    found.append(one)
                found += one.all(tag, kind)
        return found


class _Reader(HTMLParser):
    """Builds the tree; every element that is opened must be closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.path = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute of <{tag}> stands twice"
        one = Element(tag, dict(attrs))
        self.path[-1].children.append(one)
        if tag not in VOID:
            self.path.append(one)

    def handle_endtag(self, tag: str) -> None:
        assert self.path.pop().tag == tag, f"</{tag}> ends something else"

    def handle_data(self, data: str) -> None:
        self.path[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def read(page: str) -> Element:
    """Return the page as a tree, once it is judged: AssertionError says what it could do or load."""
    assert page.startswith("<!DOCTYPE html>")
    page.encode()  # a half of a surrogate pair could not be written
    reader = _Reader()
    reader.feed(page)
    reader.close()
    (root,) = reader.path
    _judge(root)
    return root


def _judge(one: Element) -> None:
    for child in one.children:
        if isinstance(child, str):
            continue
        assert TAGS.fullmatch(child.tag), f"<{child.tag}> on a page"
        assert all(map(ATTRIBUTES.fullmatch, child.attributes)), f"<{child.tag} {child.attributes}>"
        href, source = child.attributes.get("href"), child.attributes.get("src")
        assert href is None or href == "data:," or re.fullmatch(r"#[\w-]+", href), href
        assert source is None or re.fullmatch(r"data:image/\w+;base64,[\w+/=]+", source), source
        _judge(child)


def policy(root: Element) -> str:
    """Return the policy of a page; AssertionError if the hash in it is not that of its only style sheet."""
    (policy,) = (
        one.attributes["content"] or ""
        for one in root.all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = root.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "url(" not in style.text
    assert "@import" not in style.text
    return policy.replace(digest, "…")
