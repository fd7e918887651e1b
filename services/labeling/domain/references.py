"""Finds whether a definition of another service (a criterion, a workflow) names a label or a field."""

from collections.abc import Callable, Mapping
from uuid import UUID


def names_label(definition: object, label_id: UUID) -> bool:
    """Return whether the id of the label, which is unique, occurs anywhere in the definition."""
    wanted = str(label_id)
    return _any(definition, lambda _, value: isinstance(value, str) and value.lower() == wanted)


def names_field(definition: object, key: str) -> bool:
    """Return whether a condition compares the field or a step sets it."""

    def sets_or_compares(member: str | None, value: object) -> bool:
        return member in ("field", "set_field") and isinstance(value, Mapping) and value.get("key") == key

    return _any(definition, sets_or_compares)


def _any(value: object, matches: Callable[[str | None, object], bool], member: str | None = None) -> bool:
    if matches(member, value):
        return True
    if isinstance(value, Mapping):
        return any(_any(item, matches, name) for name, item in value.items())
    if isinstance(value, list | tuple):
        return any(_any(item, matches) for item in value)
    return False
