"""Recognise a live message that a create would have produced.

The API has no idempotency key. So a message whose reply or binding was lost can only be recognised by its
fields. Messages in index order are paired with creates in manifest order, each message once.

An exact match equals what was sent, to the letter. A tolerant match equals it but for how a server may
normalise text. A tolerant match without an exact one is a doubt: it may or may not be the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Final
from unicodedata import normalize

from msgspec import Struct

from reconciler.model import Address, MediaFile, RemoteMessage
from reconciler.model.canonical import canonical_attributes
from reconciler.resources.message import live_values
from reconciler.resources.schema import Digest
from reconciler.state.remembered import hard_match

MATCH: Final = "match"
"""The field name under which match texts are digested."""


TOLERANT: Final = "tolerant"
"""The field name under which tolerant match texts are digested."""


AUTHOR: Final = "author"
"""The field name under which the author of a create is digested, the default author included."""


_OPTIONAL: Final = frozenset({"date_created", "date_updated", "media", "media_sid"})
"""Fields that count for adoption only where they are declared."""


_Shape = frozenset[str]


_Likeness = tuple[str, ...]


_Normalisation = Callable[[Mapping[str, str]], dict[str, str]]
"""A normalisation of the fields of a message before they are compared."""


def match_text(fields: Mapping[str, str]) -> str:
    """Return what identifies a message among those a create could have made.

    It covers author, attributes and content_sid. Without a content_sid, which renders both, it also covers
    body and media sid. It never covers dates, which a server may set, nor subject and variables, which no
    reply shows.
    """
    content = fields.get("content_sid", "")
    parts = (
        author_of(fields),
        "" if content else fields.get("body", ""),
        fields.get("attributes") or "{}",
        content,
        "" if content else fields.get("media_sid", ""),
    )
    return f"[{', '.join(map(encode_basestring_ascii, parts))}]"  # as `json.dumps` writes it


def tolerant_text(fields: Mapping[str, str]) -> str:
    """Return the match text of *fields* after all normalisations that a server may apply.

    Texts are in NFC, with line ends as LF and without outer white space; attributes count by their
    meaning, the author without regard to case.
    """
    return match_text(_tolerant(fields))


def author_of(fields: Mapping[str, str]) -> str:
    """Return the author of a message with these *fields*, to the letter."""
    return fields.get("author") or "system"


def forgiven(fields: Mapping[str, str], live: RemoteMessage) -> tuple[str, ...]:
    """Return the names of the *fields* in which *live* differs only by how a server may normalise text."""
    shown = live_values(live)
    tolerant, seen = _tolerant(fields), _tolerant(shown)
    return tuple(
        name
        for name in _NORMALISED
        if name in fields and fields[name] != shown[name] and tolerant[name] == seen[name]
    )


class Likeness(Struct, frozen=True):
    """The digests by which the result of a create is recognised."""

    match: str
    """Over the match text, to the letter."""
    tolerant: str
    """Over the match text as a server may normalise it."""
    author: str
    """Over the author, to the letter."""

    def hidden(self, sensitive: tuple[str, ...], digest: Digest) -> Likeness:
        """Return the digests as they may be stored for a message with these *sensitive* fields."""
        if not sensitive:
            return self
        return Likeness(*hard_match((self.match, self.tolerant, self.author), sensitive, digest))


def likeness(fields: Mapping[str, str], digest: Digest) -> Likeness:
    """Return the digests by which a message with these *fields* is recognised."""
    texts = {MATCH: match_text(fields), TOLERANT: tolerant_text(fields), AUTHOR: author_of(fields)}
    found = digest.of(texts)
    return Likeness(found[MATCH], found[TOLERANT], found[AUTHOR])


class ExpectedMessage(Struct, frozen=True):
    """A message that a create would make, as far as it can be recognised."""

    address: Address
    """The address of the create."""
    fields: dict[str, str]
    """What it sends; dates count only if they are given."""
    file: MediaFile | None = None
    """Its media file."""
    above: int = -1
    """Only messages with a higher index can be the result."""


class Pairs(Struct, frozen=True):
    """Live messages by the address of the create that they match: exactly, or else only tolerantly."""

    exact: dict[Address, RemoteMessage] = {}
    tolerant: dict[Address, RemoteMessage] = {}

    def __bool__(self) -> bool:
        return bool(self.exact or self.tolerant)

    def __contains__(self, address: Address) -> bool:
        return address in self.exact or address in self.tolerant

    def __getitem__(self, address: Address) -> RemoteMessage:
        return self.exact[address] if address in self.exact else self.tolerant[address]


def pair(wanted: Iterable[ExpectedMessage], unclaimed: Iterable[RemoteMessage]) -> Pairs:
    """Return which unclaimed live message equals what each create would produce.

    Exact matches come first, then tolerant matches among the rest. Each message is used once.
    """
    wishes = list(wanted)
    ordered = sorted(unclaimed, key=lambda live: live.index, reverse=True)
    exact = _paired(wishes, ordered, _as_it_is) if ordered else {}
    used = {live.sid for live in exact.values()}
    left = [live for live in ordered if live.sid not in used]
    rest = [one for one in wishes if one.address not in exact]
    return Pairs(exact, _paired(rest, left, _tolerant) if left and rest else {})


def _paired(
    wanted: Iterable[ExpectedMessage], ordered: Iterable[RemoteMessage], normalised: _Normalisation
) -> dict[Address, RemoteMessage]:
    """Pair by the *normalised* fields; *ordered* are the messages, the highest index first.

    Dates count only where they are declared, and media are compared by what is declared of them, so
    the candidates are indexed once for each set of such fields.
    """
    indexes: dict[_Shape, dict[_Likeness, list[RemoteMessage]]] = {}
    used: set[str] = set()
    pairs: dict[Address, RemoteMessage] = {}
    for item in wanted:
        shape, likeness = _of_expected(item, normalised)
        if shape not in indexes:
            indexes[shape] = {}
            for live in ordered:
                indexes[shape].setdefault(_of_live(live, shape, normalised), []).append(live)
        candidates = indexes[shape].get(likeness, [])
        while candidates and candidates[-1].sid in used:
            candidates.pop()
        for live in reversed(candidates):
            if live.index > item.above and live.sid not in used:
                used.add(live.sid)
                pairs[item.address] = live
                break
    return pairs


def _of_expected(wanted: ExpectedMessage, normalised: _Normalisation) -> tuple[_Shape, _Likeness]:
    fields = normalised(wanted.fields)
    shape = _OPTIONAL.intersection(fields)
    likeness = [
        match_text({**fields, "media_sid": ""}),
        *(fields[name] for name in sorted(shape - {"media"})),
    ]
    if wanted.file is not None:
        file = wanted.file
        likeness += [normalize("NFC", file.filename), file.content_type, str(file.size)]
    return shape, tuple(likeness)


def _of_live(live: RemoteMessage, shape: _Shape, normalised: _Normalisation) -> _Likeness:
    fields = normalised(live_values(live))
    media_sid = fields.pop("media_sid", "")
    likeness = [match_text(fields)]
    fields["media_sid"] = media_sid
    likeness += [fields[name] for name in sorted(shape - {"media"})]
    if "media" in shape and live.media:
        first = live.media[0]
        likeness += [normalize("NFC", first.filename or ""), first.content_type or "", str(first.size)]
    elif media_sid and not live.content_sid and "media_sid" not in shape:
        likeness.append(media_sid)  # a message with media does not match a create without
    return tuple(likeness)


def _as_it_is(fields: Mapping[str, str]) -> dict[str, str]:
    return dict(fields)


def _tolerant(fields: Mapping[str, str]) -> dict[str, str]:
    """Return *fields* with all normalisations that a server may apply."""
    return {name: _NORMALISED[name](text) if name in _NORMALISED else text for name, text in fields.items()}


def _plain(text: str) -> str:
    return normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _folded(author: str) -> str:
    return normalize("NFC", _plain(author).casefold())


def _meaning(attributes: str) -> str:
    return canonical_attributes(normalize("NFC", attributes))


_NORMALISED: Final[dict[str, Callable[[str], str]]] = {
    "author": _folded,
    "body": _plain,
    "attributes": _meaning,
}
