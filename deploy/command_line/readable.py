"""Makes text and bytes from other systems safe for a terminal."""

import base64
import json

from rich.markup import escape


def printable(text: str) -> str:
    """Return the text without control characters, which could control the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def plain(text: str) -> str:
    """Return the printable text for rich, which would otherwise interpret brackets as markup."""
    return escape(printable(text))


def as_text(raw: bytes | None) -> object:
    """Return UTF-8 as text, and other bytes as `{"base64": …}`."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def as_json(raw: bytes | None) -> object:
    """Return JSON as JSON values, and anything else like `as_text`."""
    try:
        return as_text(raw) if raw is None else json.loads(raw)
    except ValueError:
        return as_text(raw)
