"""Our own merge tags: `{{field.first_name|there}}`, `{{contact.email}}`, `{{unsubscribe_url}}`, `{{preferences_url}}`.

A value is escaped for its context. Other systems' tags are left unchanged.
"""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Literal, NamedTuple
from urllib.parse import quote

from services.tracking.domain import markup
from services.tracking.domain.markup import Attribute, Comment, StartTag, Text
from services.tracking.domain.references import attribute_text

Context = Literal["plain", "line", "html", "quoted", "bare", "address", "whole_address", "style"]

_NAME = r"(field\.[A-Za-z0-9_.-]{1,100}|contact\.email|unsubscribe_url|preferences_url)"
TAG = re.compile(rf"\{{\{{\s*{_NAME}\s*(?:\|([^{{}}]*))?\}}\}}")
# Editors percent-encode tags in URLs.
_ENCODED_TAG = re.compile(
    rf"%7B%7B(?:%20)*{_NAME}(?:%20)*(?:%7C((?:(?!%7[BD]).)*?))?%7D%7D".replace("{{1,100}}", "{1,100}"), re.IGNORECASE
)
_ADDRESSES = frozenset({"href", "src", "background", "action", "xlink:href", "poster", "data", "formaction", "cite"})
_HARMLESS = re.compile(r"(?:https?|mailto|tel|sms):|//|[^:]*$", re.IGNORECASE)
_NOT_BARE = re.compile(r"[^A-Za-z0-9._~:/?#@!$*+,;%-]")
_NOT_STYLE = re.compile(r"[^\w#%., -]")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


class Tag(NamedTuple):
    """A merge tag: its place in the source, its name, and the fallback if there is no value."""

    start: int
    end: int
    name: str
    fallback: str
    context: Context


def tags_of_text(source: str, context: Context) -> list[Tag]:
    """Return the tags in plain text."""
    return [
        Tag(match.start(), match.end(), match[1], (match[2] or "").strip(), context) for match in TAG.finditer(source)
    ]


def tags_of_html(source: str) -> list[Tag]:
    """Return the tags in HTML, in order, without those in scripts and ordinary comments."""
    return list(_tags(source)) if "{{" in source or "%7" in source else []


def _tags(source: str) -> Iterator[Tag]:
    for token in markup.read(source):
        match token:
            case StartTag():
                for attribute in token.written:
                    yield from _in_attribute(source, attribute)
            case Text(raw="script" | "cdata") | Comment():
                pass
            case Text():
                context: Context = "style" if token.raw == "style" else "html"
                for tag in TAG.finditer(source, token.start, token.end):
                    yield Tag(tag.start(), tag.end(), tag[1], attribute_text(tag[2] or "").strip(), context)
            case _:
                pass


def _in_attribute(source: str, attribute: Attribute) -> Iterator[Tag]:
    if attribute.name.startswith("on"):
        return
    is_address = attribute.name in _ADDRESSES
    patterns = (TAG, _ENCODED_TAG) if is_address else (TAG,)
    for pattern in patterns:
        for tag in pattern.finditer(source, attribute.start, attribute.end):
            context: Context = "quoted" if attribute.quoted else "bare"
            if attribute.name == "style":
                context = "style"
            elif is_address:
                context = "whole_address" if tag.start() == attribute.start else "address"
            yield Tag(tag.start(), tag.end(), tag[1], attribute_text(tag[2] or "").strip(), context)


def value_of(tag: Tag, values: Mapping[str, str]) -> str:
    """Return the text that replaces a tag, escaped."""
    value = values.get(tag.name) or tag.fallback
    match tag.context:
        case "plain":
            return value
        case "line":
            return _BREAKS.sub(" ", value)
        case "html" | "quoted":
            return escape(value)
        case "bare":
            return _NOT_BARE.sub(lambda match: f"&#{ord(match.group())};", value)
        case "style":
            return _NOT_STYLE.sub("", value)
        case "address":
            return quote(value, safe="")
        case "whole_address":
            harmless = _HARMLESS.match(value.strip()) is not None
            return _NOT_BARE.sub(lambda match: f"&#{ord(match.group())};", value) if harmless else ""
