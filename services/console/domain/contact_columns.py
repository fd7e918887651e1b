"""The columns of a list of contacts: built-in properties, and fields."""

from collections.abc import Sequence

PROPERTIES = ("subscription", "external_id", "language", "source", "tracking_consent", "created_at", "changed_at")
PREFIX = "contact."  # before a property, so that a field may have the same key
_DEFAULT_PROPERTIES = ("subscription", "created_at")
_DEFAULT_FIELD_COUNT = 3


def columns_of(chosen: Sequence[str], fields: Sequence[str]) -> list[str]:
    """Return the keys of the columns in their order: `contact.<property>` or the key of a field.

    `chosen` are the ticked keys, possibly unknown ones; an empty list means the default columns.
    """
    keys = [*(PREFIX + name for name in PROPERTIES[:-2]), *fields, *(PREFIX + name for name in PROPERTIES[-2:])]
    if chosen:
        return [key for key in keys if key in chosen]
    default = {*(PREFIX + name for name in _DEFAULT_PROPERTIES), *fields[:_DEFAULT_FIELD_COUNT]}
    return [key for key in keys if key in default]
