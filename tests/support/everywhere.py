"""A page of chats with a text wherever it has text of others."""

from __future__ import annotations

from reconciler.chat.layout import runs
from reconciler.chat.page import picture
from reconciler.chat.values import Bubble, Chat, Field, Mark, Media, Notice, Page, Person, Section, Words

MARKUP = (
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onclick=alert(1) style='x' class=\"",
    "{{ 7 * 7 }}{% for x in y %}",
    "<!-- -->]]>&lt;&#60;",
    "javascript:alert(1)",
)


def page_of(*texts: str) -> Page:
    """Return a page with each of *texts* wherever a page has text of others."""
    sections = tuple(_section(text, number) for number, text in enumerate(texts))
    text = texts[0]
    notices = tuple(Notice(kind, text, text) for kind in ("refusal", "warning", "note"))
    return Page(text, text, notices=notices, sections=sections, footer=text)


def _section(text: str, place: int) -> Section:
    fields = (
        Field(text, text),
        Field(text, text, text, Mark.CHANGED),
        Field(text, text, mark=Mark.ADDED),
        Field(text, text, mark=Mark.DELETED),
    )
    bubble = Bubble(
        text,
        1,
        instant=text,
        body=(Words(text, Mark.ADDED), Words(text)),
        before=(Words(text, Mark.DELETED),),
        fields=fields,
        media=(Media(text, text), Media(text, text, picture("image/png", b"\x89PNG"))),
        name=text,
        mark=Mark.CHANGED,
        sign="~",
        status=text,
        why=text,
        notes=(text,),
    )
    person = Person(text, text, Mark.ADDED, "+", text, fields)
    chats = tuple(
        Chat(
            f"c{place}-{number}",
            text,
            text,
            Mark.ADDED,
            "+",
            text,
            text,
            fields,
            (person,),
            runs((*5 * (Bubble(text, body=(Words(text),)),), bubble)),
            (text,),
            folded=bool(number),
        )
        for number in range(2)
    )
    return Section(text, text, Mark.ADDED, "+", text, chats)
