"""Finds possible problems of a message before it is sent."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.tracking.domain import markup
from services.tracking.domain.mail import BlockState, MailContent
from services.tracking.domain.markup import StartTag
from services.tracking.domain.merging import TAG, tags_of_html
from services.tracking.domain.references import attribute_text
from services.tracking.domain.revisions import Link
from services.tracking.domain.targets import HINTS, unreachable

MOST_WARNINGS = 200
_BRACES = re.compile(r"\{\{\s*([\w.]+)[^{}]*\}\}")
# A street with a number near a postal code of four to six digits that is not a year; or a British postcode.
_POSTAL_CODE = re.compile(
    r"(?<![\w#.,-])(?:[A-Z]{1,2}-?)?(?!(?:19|20)\d\d\b)\d{4,6}(?:[ -]?[A-Z]{2})?(?![\w%-])"
    r"|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"
)
_HOUSE = re.compile(r"[^\W\d]{3,}[ .,]+\d{1,4}\w?\b|\b\d{1,5}[ ,]+[^\W\d]{3,}")
_ADDRESS_LENGTH = 100  # characters around the postal code
_URL = re.compile(r"https?://\S+")


class Remark(NamedTuple):
    """A possible problem of a message. `pointer` is a JSON pointer into the registered message."""

    code: str
    detail: str
    pointer: str | None = None


class CheckedMessage(NamedTuple):
    """The message that is checked."""

    html: str
    content: MailContent
    links: Sequence[Link]
    blocks: Sequence[BlockState]
    broken: Sequence[tuple[str, str]]  # block and variant
    sender_is_gone: bool = False


def check(message: CheckedMessage) -> list[Remark]:
    """Return warnings, the most serious first."""
    remarks: list[Remark] = []
    for warning in _warnings(message):
        remarks.append(warning)
        if len(remarks) == MOST_WARNINGS:
            break
    return remarks


def _warnings(message: CheckedMessage) -> Iterator[Remark]:
    yield from _content_warnings(message)
    yield from _block_warnings(message)
    yield from _link_warnings(message)
    yield from _tag_warnings(message)
    yield from _picture_warnings(message.html)


def _content_warnings(message: CheckedMessage) -> Iterator[Remark]:
    content = message.content
    if not content.subject:
        yield Remark("no_subject", "The message has no subject.", "/subject")
    if content.sender_id is None:
        yield Remark("no_sender", "The message has no sender.", "/sender_id")
    elif message.sender_is_gone:
        yield Remark("no_sender", "The sender of the message was deleted.", "/sender_id")
    html_and_text = f"{message.html} {content.text or ''}"
    if "unsubscribe_url" not in html_and_text and not any(link.guess == "unsubscribe" for link in message.links):
        detail = "There is no link to unsubscribe; add a link to {{unsubscribe_url}}."
        yield Remark("no_unsubscribe_link", detail, "/html")
    if not _has_postal_address(_URL.sub("", content.text or "")):
        detail = "No postal address was found; many countries require one by law."
        yield Remark("no_postal_address", detail, "/html")


def _has_postal_address(text: str) -> bool:
    return any(
        _HOUSE.search(text[max(code.start() - _ADDRESS_LENGTH, 0) : code.start()])
        or _HOUSE.search(text[code.end() : code.end() + _ADDRESS_LENGTH])
        for code in _POSTAL_CODE.finditer(text)
    )


def _block_warnings(message: CheckedMessage) -> Iterator[Remark]:
    for block in message.blocks:
        for variant, criterion in block.variants:
            if criterion is None:
                detail = f"Variant {variant} of block {block.name} has no criterion, so it is never shown."
                yield Remark("block_without_criterion", detail, f"/blocks/{block.name}")
        if not block.fallback:
            detail = f"Block {block.name} has no fallback: contacts who match no variant see nothing there."
            yield Remark("empty_fallback", detail, f"/blocks/{block.name}")
    for name, variant in message.broken:
        detail = (
            f"The criterion of variant {variant} of block {name} uses something that was deleted; "
            "the variant is skipped."
        )
        yield Remark("broken_variant", detail, f"/blocks/{name}")


def _link_warnings(message: CheckedMessage) -> Iterator[Remark]:
    for index, link in enumerate(message.links):
        pointer, name = f"/links/{index}", link.text[:60] or link.url[:60]
        if link.trackable and not link.labels:
            yield Remark("unlabelled_link", f"The link “{name}” has no label.", pointer)
        elif link.reason in ("merge_tag", "tracked", "no_scheme", "relative", "no_host", "too_long", "empty"):
            hint = HINTS.get(link.reason, "")
            yield Remark(
                "link_not_tracked", f"The link “{name}” is not tracked ({link.reason}). {hint}".strip(), pointer
            )


def _tag_warnings(message: CheckedMessage) -> Iterator[Remark]:
    own = {(tag.start, tag.end) for tag in tags_of_html(message.html)}
    seen: set[str] = set()
    for pointer, source in (("/html", message.html), ("/subject", message.content.subject or "")):
        for tag in _BRACES.finditer(source):
            is_own = tag.span() in own if pointer == "/html" else TAG.fullmatch(tag.group()) is not None
            if not is_own and tag.group() not in seen:
                seen.add(tag.group())
                detail = f"Penchant does not fill in {tag.group()[:80]}. Check that your mail system does."
                yield Remark("unknown_tag", detail, pointer)


def _picture_warnings(html: str) -> Iterator[Remark]:
    for token in markup.read(html):
        if not isinstance(token, StartTag) or token.name != "img":
            continue
        source = token.attributes.get("src")
        address = attribute_text(html[source.start : source.end]).strip() if source else ""
        if address and not address.startswith(("data:", "cid:")) and unreachable(address) in ("relative", "no_scheme"):
            yield Remark("relative_picture", f"Mail programs cannot load the picture {address[:100]}.", "/html")
