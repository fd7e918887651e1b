"""Names of labels: 1 to 100 characters, trimmed, in Unicode's NFC, no comma, compared without case."""

import unicodedata
from collections.abc import Sequence

from services.labeling.domain.problems import InvalidError

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 1_000


def label_name(text: str) -> str:
    """`text` as the name of a label. Raises `InvalidError` where it can't be one."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidError("a label needs a name")
    if len(name) > LONGEST_NAME:
        raise InvalidError(f"a label's name has at most {LONGEST_NAME} characters, this one has {len(name)}")
    if "," in name:
        raise InvalidError("a label's name has no comma: commas part the labels in a list")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise InvalidError("a label's name has no control characters")
    return name


def name_key(text: str) -> str:
    """What two names have in common when they are the same to people: `Dogs`, ` dogs` and `DOGS`."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().casefold())


def aliases_after_rename(old: str, new: str, aliases: Sequence[str]) -> tuple[str, ...]:
    """The aliases of a label renamed from `old` to `new`: the old name stays, the new one is no alias of itself."""
    kept = [alias for alias in aliases if name_key(alias) != name_key(new)]
    if name_key(old) not in {name_key(new), *map(name_key, kept)}:
        kept.append(old)
    return tuple(kept)
