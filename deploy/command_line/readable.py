"""Text and bytes from elsewhere, fit for a terminal."""

import base64
import json

from rich.markup import escape


def printable(text: str) -> str:
    """Return the text without control characters: what others write must not steer the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def plain(text: str) -> str:
    """Return the same, for a place where rich would read [words in brackets] as styling."""
    return escape(printable(text))


def as_text(raw: bytes | None) -> object:
    """Return text as text, and other bytes as `{"base64": …}`."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def as_json(raw: bytes | None) -> object:
    """Return JSON as JSON, and anything else as `as_text` does."""
    try:
        return as_text(raw) if raw is None else json.loads(raw)
    except ValueError:
        return as_text(raw)
