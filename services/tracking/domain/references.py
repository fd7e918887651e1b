"""Character references (`&amp;`, `&#38;`) in attributes and in text."""

import html
import re
from html.entities import html5

_NUMERIC = r"#[0-9]+|#[xX][0-9a-fA-F]+"
_IN_ATTRIBUTES = re.compile(rf"&(?:{_NUMERIC}|[A-Za-z][A-Za-z0-9]*)[;=]?")
_IN_TEXT = re.compile(rf"&(?:{_NUMERIC}|[A-Za-z][A-Za-z0-9]{{1,31}});?")
_LARGEST = 0x10FFFF


def attribute_text(raw: str) -> str:
    """Decode an attribute's value as a mail program does: `&amp;` is decoded, `&copy=1` in a query is not."""
    return _IN_ATTRIBUTES.sub(_in_attribute, raw) if "&" in raw else raw


def text(raw: str) -> str:
    """Decode text between tags; a name without its semicolon is decoded too, as in `&copy2026`."""
    return _IN_TEXT.sub(lambda match: _decode(match.group()), raw) if "&" in raw else raw


def _in_attribute(match: re.Match[str]) -> str:
    reference = match.group()
    if reference.startswith("&#"):
        return _decode(reference.removesuffix("=")) + ("=" if reference.endswith("=") else "")
    # HTML standard: a name without its semicolon before "=" or a letter is not decoded, for historical reasons.
    if not reference.endswith("=") and reference[1:] in html5:
        return html.unescape(reference)
    return reference


def _decode(reference: str) -> str:
    if not reference.startswith("&#"):
        return html.unescape(reference)
    digits = reference[2:].rstrip(";")
    # Limit the number of digits: converting a million digits would take minutes.
    significant = (digits[1:] if digits[0] in "xX" else digits).lstrip("0")
    number = int(significant[:9] or "0", 16 if digits[0] in "xX" else 10)
    # `html.unescape` drops control characters and noncharacters that the standard keeps.
    if 0x80 <= number < 0xA0:
        return bytes([number]).decode("cp1252", "ignore") or chr(number)
    return "\ufffd" if number == 0 or number > _LARGEST or 0xD800 <= number < 0xE000 else chr(number)
