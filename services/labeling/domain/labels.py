"""Labels and their names: 1 to 100 characters, trimmed, in Unicode's NFC, no comma, compared without case."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from services.labeling.domain.errors import InvalidError

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 1_000

Visibility = Literal["public", "private"]
LabelState = Literal["active", "hidden", "deleted"]


class Label(NamedTuple):
    """A label. `no` identifies it in rows; everybody else uses `id`."""

    no: int
    id: UUID
    account_id: int
    name: str
    description: str
    visibility: Visibility
    aliases: tuple[str, ...]
    state: LabelState
    created_at: datetime


class LabelPatch(NamedTuple):
    """Changes to a label; None leaves a member as it is."""

    name: str | None = None
    description: str | None = None
    visibility: Visibility | None = None
    state: LabelState | None = None


def patched(label: Label, patch: LabelPatch) -> Label:
    """Return the label after `patch`; a former name stays as an alias."""
    name = label.name if patch.name is None else patch.name
    return label._replace(
        name=name,
        description=label.description if patch.description is None else patch.description,
        visibility=patch.visibility or label.visibility,
        aliases=aliases_after_rename(label.name, name, label.aliases),
        state=patch.state or label.state,
    )


def label_name(text: str) -> str:
    """Return `text` as a label's name. Raises InvalidError if it cannot be one."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidError("a label needs a name")
    if len(name) > LONGEST_NAME:
        raise InvalidError(f"a label's name has at most {LONGEST_NAME} characters, this one has {len(name)}")
    if "," in name:
        raise InvalidError("a label's name has no comma: commas separate the labels in a list")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise InvalidError("a label's name has no control characters")
    return name


def name_key(text: str) -> str:
    """Return the key by which names are compared: the same for `Dogs`, ` dogs` and `DOGS`."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().casefold())


def aliases_after_rename(old: str, new: str, aliases: Sequence[str]) -> tuple[str, ...]:
    """Return the aliases of a label renamed from `old` to `new`: the old name is added, the new one removed."""
    kept = [alias for alias in aliases if name_key(alias) != name_key(new)]
    if name_key(old) not in {name_key(new), *map(name_key, kept)}:
        kept.append(old)
    return tuple(kept)
