"""Finds whether a definition of another service (a criterion, a workflow) names a label or a field."""

from collections.abc import Callable, Mapping
from uuid import UUID


def names_label(definition: object, label_id: UUID) -> bool:
    """Return whether the id of the label, which is unique, occurs anywhere in the definition."""
    text = str(label_id)
    return _contains(definition, lambda _, value: isinstance(value, str) and value.lower() == text)


def names_field(definition: object, key: str) -> bool:
    """Return whether a condition compares the field or a step sets it."""

    def sets_or_compares(member: str | None, value: object) -> bool:
        return member in ("field", "set_field") and isinstance(value, Mapping) and value.get("key") == key

    return _contains(definition, sets_or_compares)


def _contains(value: object, matches: Callable[[str | None, object], bool], member: str | None = None) -> bool:
    """Return whether `matches` is true for `value` (of the member `member`), or for any value inside it."""
    if matches(member, value):
        return True
    if isinstance(value, Mapping):
        return any(_contains(item, matches, name) for name, item in value.items())
    if isinstance(value, list | tuple):
        return any(_contains(item, matches) for item in value)
    return False
