"""Renders mails from a message that is compiled once, so that a recipient costs little more than a concatenation.

A template is JSON text, as bytes, in which a zero byte stands for the recipient's token; JSON itself never contains
one. The pieces of text are separated by merge tags, whose values differ between recipients.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from services.tracking.domain.blocks import SUBJECT, Layout
from services.tracking.domain.merging import Tag, tags_of_html, tags_of_text, value_of
from services.tracking.domain.places import Place, attribute_value

Piece = str | Tag
_TOKEN = "\0"  # noqa: S105 - a placeholder
_HIDDEN = "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden"
_PREHEADER = f'<div style="{_HIDDEN}">{{}}</div>'


@dataclass(frozen=True, slots=True)
class MailSource:
    """The parts of a mail: a revision, the places of its links, and the tracked URL of each (None: not tracked).

    A tracked URL has a zero byte in place of the token. `text` is None if `to_text` generates it from the HTML.
    """

    html: str
    layout: Layout
    places: Sequence[Place]
    urls: Sequence[str | None]
    subject: str = ""
    subject_variants: Mapping[str, str] | None = None
    preheader: str = ""
    text: str | None = None
    preferences_url: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """One part of a mail for one content, ready to be filled in. The token is inserted between the pieces of a
    literal."""

    pieces: tuple[tuple[bytes, ...] | Tag, ...]

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> "Template":
        """Return the template of these pieces; adjacent texts are joined."""
        joined: list[bytes | Tag] = []
        for piece in pieces:
            if isinstance(piece, Tag):
                joined.append(piece)
                continue
            literal = b"\0".join(_as_json(part) for part in piece.split(_TOKEN))
            if joined and isinstance(joined[-1], bytes):
                joined[-1] += literal
            elif literal:
                joined.append(literal)
        return cls(tuple(one if isinstance(one, Tag) else tuple(one.split(b"\0")) for one in joined))

    def fill(self, token: bytes, values: Mapping[str, str]) -> bytes:
        """Return the part for one recipient, as the contents of a JSON string."""
        return b"".join(
            _as_json(value_of(piece, values)) if isinstance(piece, Tag) else token.join(piece) for piece in self.pieces
        )


@dataclass(frozen=True, slots=True)
class MailTemplates:
    """The templates of a message for one content."""

    subject: Template
    preheader: Template
    text: Template
    html: Template


def compile_mail(source: MailSource, content: Mapping[str, str], to_text: Callable[[str], str]) -> MailTemplates:
    """Return the templates of a message for one content (variant by block; the fallback if "" or missing)."""
    subject = (source.subject_variants or {}).get(content.get(SUBJECT, ""), source.subject)
    html = list(pieces_of_html(source, content))
    preheader = list(_pieces(source.preheader, tags_of_text(source.preheader, "line"), source.preferences_url))
    if source.text is None:
        text = list(_generated_text(html, to_text))
    else:
        text = list(_pieces(source.text, tags_of_text(source.text, "plain"), source.preferences_url))
    return MailTemplates(
        Template.of(_pieces(subject, tags_of_text(subject, "line"), source.preferences_url)),
        Template.of(preheader),
        Template.of(text),
        Template.of(_with_preheader(html, preheader)),
    )


def pieces_of_html(source: MailSource, content: Mapping[str, str]) -> Iterable[Piece]:
    """Yield the HTML for one content: byte for byte the original, except for links, merge tags and blocks."""
    edits: list[tuple[int, int, str | Tag]] = [(start, end, "") for start, end in source.layout.hidden(content)]
    for place, url in zip(source.places, source.urls, strict=True):
        if url is not None:
            edits.append((place.start, place.end, attribute_value(place, url)))
    edits += [(tag.start, tag.end, tag) for tag in tags_of_html(source.html)]
    # If places overlap, the larger one counts: a hidden part with its links, a tracked link with its tags.
    edits.sort(key=lambda edit: (edit[0], -edit[1]))
    position = 0
    for start, end, edit in edits:
        if start < position:
            continue
        yield source.html[position:start]
        if isinstance(edit, Tag):
            yield from _piece_of(edit, source.preferences_url)
        else:
            yield edit
        position = end
    yield source.html[position:]


def _pieces(text: str, tags: Sequence[Tag], preferences_url: str) -> Iterable[Piece]:
    position = 0
    for tag in tags:
        yield text[position : tag.start]
        yield from _piece_of(tag, preferences_url)
        position = tag.end
    yield text[position:]


def _piece_of(tag: Tag, preferences_url: str) -> Iterable[Piece]:
    """Yield the tag, or the URL of the recipient's own page, which is fixed except for the token."""
    page = {"unsubscribe_url": "u", "preferences_url": "p"}.get(tag.name)
    if page is None:
        yield tag
        return
    # The token needs no escaping.
    before = value_of(tag._replace(fallback=""), {tag.name: f"{preferences_url}/{page}/"})
    yield before + _TOKEN


def _generated_text(html: Sequence[Piece], to_text: Callable[[str], str]) -> Iterable[Piece]:
    """Generate the text of the mail; marks stand for the parts that differ between recipients."""
    tags = [piece for piece in html if isinstance(piece, Tag)]
    marked, count = [], 0
    for piece in html:
        if isinstance(piece, Tag):
            marked.append(f"\ue000{count}\ue001")
            count += 1
        else:
            marked.append(piece.replace("\ue000", "").replace(_TOKEN, "\ue002"))
    text = to_text("".join(marked)).replace("\ue002", _TOKEN)
    first, *rest = text.split("\ue000")
    yield first
    for piece in rest:
        number, _, after = piece.partition("\ue001")
        if number.isdecimal() and int(number) < len(tags):
            yield tags[int(number)]._replace(context="plain")
        yield after


def _with_preheader(html: Sequence[Piece], preheader: Sequence[Piece]) -> Iterable[Piece]:
    """Insert the preheader where mail programs expect it: hidden, at the beginning of the body."""
    if not any(preheader):
        yield from html
        return
    before, after = _PREHEADER.split("{}")
    hidden: list[Piece] = [
        before, *(piece._replace(context="html") if isinstance(piece, Tag) else _escaped(piece) for piece in preheader),
        after,
    ]  # fmt: skip
    inserted = False
    for piece in html:
        if inserted or isinstance(piece, Tag) or (body := _after_body_tag(piece)) is None:
            yield piece
            continue
        yield piece[:body]
        yield from hidden
        yield piece[body:]
        inserted = True
    if not inserted:
        yield from hidden


def _after_body_tag(html: str) -> int | None:
    start = html.lower().find("<body")
    end = html.find(">", start) if start >= 0 else -1
    return end + 1 if end >= 0 else None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _as_json(text: str) -> bytes:
    return orjson.dumps(text)[1:-1]


def line_of(
    contact_id: int, token: bytes, mail: MailTemplates, values: Mapping[str, str], extra_members: bytes = b""
) -> bytes:
    """Return a recipient's line of JSON; `extra_members` are more members, each beginning with a comma."""
    return b"".join(
        (
            b'{"contact_id":', str(contact_id).encode(), b',"token":"', token,
            b'","subject":"', mail.subject.fill(token, values), b'","preheader":"', mail.preheader.fill(token, values),
            b'","text":"', mail.text.fill(token, values), b'","html":"', mail.html.fill(token, values),
            b'"', extra_members, b"}\n",
        )
    )  # fmt: skip
