"""Labels and their names: 1 to 100 visible characters without a comma; names that look alike are equal."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.limits import MOST_ALIASES
from services.labeling.domain.text import comparison_key, tidy
from shared.pointers import pointer_of

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 1_000

LANGUAGES = ("nl", "en", "fr", "de")
NO_NAMES: Mapping[str, str] = MappingProxyType({})

Visibility = Literal["public", "private"]
LabelState = Literal["active", "hidden", "merging", "merged", "deleted"]


class Label(NamedTuple):
    """A label. `no` identifies it in tables, `id` everywhere else."""

    no: int
    id: UUID
    account_id: int
    name: str
    description: str
    visibility: Visibility
    aliases: tuple[str, ...]
    state: LabelState
    created_at: datetime
    group: str | None = None
    names: Mapping[str, str] = NO_NAMES
    merged_into: UUID | None = None
    order: int = 0  # within its group

    def name_in(self, language: str) -> str:
        """Return the name in a language, or else the name."""
        return self.names.get(language, self.name)


class LabelPatch(NamedTuple):
    """Changes to a label; None leaves a member unchanged, an empty `group` removes the label from its group."""

    name: str | None = None
    description: str | None = None
    visibility: Visibility | None = None
    state: LabelState | None = None
    group: str | None = None
    names: Mapping[str, str] | None = None
    order: int | None = None


def patched(label: Label, patch: LabelPatch) -> Label:
    """Return the label after `patch`; a former name stays as an alias."""
    name = label.name if patch.name is None else patch.name
    return label._replace(
        name=name,
        description=label.description if patch.description is None else patch.description,
        visibility=patch.visibility or label.visibility,
        aliases=aliases_after_rename(label.name, name, label.aliases),
        state=patch.state or label.state,
        group=label.group if patch.group is None else patch.group or None,
        names=label.names if patch.names is None else patch.names,
        order=label.order if patch.order is None else patch.order,
    )


def label_group(text: str) -> str:
    """Return `text` as the group of a label, empty for none. Raises InvalidError."""
    group = tidy(text)
    if len(group) > LONGEST_NAME:
        raise InvalidError(f"a group must have at most {LONGEST_NAME} characters", "/group")
    return group


def label_names(names: Mapping[str, str]) -> dict[str, str]:
    """Return names of a label by language. Raises InvalidError with a pointer."""
    checked: dict[str, str] = {}
    for language, text in names.items():
        if language not in LANGUAGES:
            raise InvalidError(f"a language must be one of: {', '.join(LANGUAGES)}", pointer_of(["names", language]))
        try:
            checked[language] = label_name(text)
        except InvalidError as error:
            raise InvalidError(error.detail, f"/names/{language}") from None
    return checked


def label_name(text: str) -> str:
    """Return `text` as a label's name. Raises InvalidError if it cannot be one."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text.strip()):
        raise InvalidError("a label's name must not contain control characters")
    name = tidy(text)
    if not name:
        raise InvalidError("a label's name must have visible characters")
    if len(name) > LONGEST_NAME:
        raise InvalidError(f"a label's name must have at most {LONGEST_NAME} characters; this one has {len(name)}")
    if "," in name:
        raise InvalidError("a label's name must not contain a comma: commas separate labels in a list")
    return name


def name_key(text: str) -> str:
    """Return the key by which names are compared: the same for `Dogs`, ` dogs` and `DOGS`."""
    return comparison_key(text)


def aliases_after_rename(old: str, new: str, aliases: Sequence[str]) -> tuple[str, ...]:
    """Return the aliases of a label renamed from `old` to `new`: the old name is added, the new one removed.

    Raises InvalidError.
    """
    kept = [alias for alias in aliases if name_key(alias) != name_key(new)]
    if name_key(old) not in {name_key(new), *map(name_key, kept)}:
        kept.append(old)
        _check_aliases(kept)
    return tuple(kept)


def with_merged(label: Label, source: Label) -> Label:
    """Return the label with the name and aliases of another one, which is merged into it, as further aliases.

    Raises InvalidError.
    """
    keys = {name_key(label.name), *map(name_key, label.aliases)}
    new = [name for name in (source.name, *source.aliases) if name_key(name) not in keys]
    _check_aliases([*label.aliases, *new])
    return label._replace(aliases=(*label.aliases, *new))


def _check_aliases(aliases: Sequence[str]) -> None:
    if len(aliases) > MOST_ALIASES:
        raise InvalidError(f"a label can have at most {MOST_ALIASES} aliases (former names and names of merged labels)")
