"""Names that people type or paste: invisible characters and unusual spaces are removed."""

import unicodedata
from functools import lru_cache

# Invisible characters that are not spaces in Unicode.
_BLANK = frozenset("\u2800\u3164\u115f\u1160\uffa0")
# Joiners form emoji and are needed in some scripts: they stay in a name, but are ignored when names are compared.
_JOINERS = frozenset("\u200c\u200d")
_VARIATIONS = frozenset(map(chr, range(0xFE00, 0xFE10))) | {"\u034f"}


def tidy(text: str) -> str:
    """Return `text` in NFC, trimmed, with single plain spaces and without invisible or direction characters."""
    kept = (
        " " if _is_space(character) else character
        for character in unicodedata.normalize("NFC", text)
        if character in _JOINERS or unicodedata.category(character) != "Cf"
    )
    result = " ".join("".join(kept).split())
    return result if any(character not in _JOINERS | _VARIATIONS for character in result) else ""


@lru_cache(maxsize=16_384)
def comparison_key(text: str) -> str:
    """Return a key that is equal for texts that look the same, ignoring case."""
    plain = "".join(character for character in tidy(text) if character not in _JOINERS | _VARIATIONS)
    return unicodedata.normalize("NFC", plain.casefold())


def _is_space(character: str) -> bool:
    return character.isspace() or character in _BLANK
