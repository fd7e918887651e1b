"""The options and the mapping of an import."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field, field_key, field_name
from services.labeling.domain.tables.cells import DateOrder, Decimal

ImportMode = Literal["create_and_update", "create", "update"]
UnknownLabels = Literal["error", "create", "ignore"]
EmptyCells = Literal["keep", "clear"]
NewSubscription = Literal["subscribed", "unconfirmed"]

KNOWN_TARGETS = ("email", "external_id", "labels", "subscription", "language")


@dataclass(frozen=True, slots=True)
class Options:
    """The options that a person chose. `subscription` is that of new contacts, `basis` the legal basis for it."""

    subscription: NewSubscription | None = None
    basis: str | None = None
    mode: ImportMode = "create_and_update"
    unknown_labels: UnknownLabels = "error"
    add_labels: tuple[UUID, ...] = ()
    empty_cells: EmptyCells = "keep"
    dates: DateOrder = "iso"
    decimal: Decimal = "."


@dataclass(frozen=True, slots=True)
class ColumnTarget:
    """The target of a column: one of `KNOWN_TARGETS`, or the field `key`."""

    known: str | None = None
    key: str | None = None


def target_of(maps_to: str | Mapping[str, Any] | None) -> ColumnTarget | None:
    """Parse a target of the API; return None for a column that is skipped."""
    if maps_to is None:
        return None
    if isinstance(maps_to, str):
        return ColumnTarget(known=maps_to)
    return ColumnTarget(key=maps_to["field"] if "field" in maps_to else maps_to["new_field"]["key"])


def options_from(stored: Mapping[str, Any]) -> Options:
    """Return the options of a request; missing ones have their defaults."""
    values = {name: value for name, value in stored.items() if value is not None}
    subscription = values.pop("subscription", None) or {}
    add_labels = tuple(UUID(str(label_id)) for label_id in values.pop("add_labels", ()))
    return Options(
        subscription=subscription.get("set"), basis=subscription.get("basis"), add_labels=add_labels, **values
    )


def new_fields(columns: Iterable[Mapping[str, Any]]) -> list[Field]:
    """Return the fields that the mapping of an import creates."""
    return [
        Field(
            column["maps_to"]["new_field"]["key"],
            column["maps_to"]["new_field"]["name"],
            column["maps_to"]["new_field"]["type"],
        )
        for column in columns
        if isinstance(column["maps_to"], dict) and "new_field" in column["maps_to"]
    ]


def targets_of(columns: Iterable[Mapping[str, Any]]) -> dict[int, ColumnTarget]:
    """Return the target of each column of the table, by index."""
    targets = {column["index"]: target_of(column["maps_to"]) for column in columns}
    return {index: target for index, target in targets.items() if target is not None}


def check_mapping(columns: Sequence[Mapping[str, Any]], fields: Mapping[str, Field]) -> None:
    """Raise InvalidError, with a pointer into `columns`, for a mapping that cannot be carried out."""
    seen: dict[ColumnTarget, int] = {}
    for index, column in enumerate(columns):
        target = target_of(column["maps_to"])
        if target is None:
            continue
        pointer = f"/{index}/maps_to"
        if target in seen:
            raise InvalidError("two columns have the same target", pointer)
        seen[target] = index
        if isinstance(column["maps_to"], dict):
            _check_field(column["maps_to"], fields, pointer)
    if not {ColumnTarget(known="email"), ColumnTarget(known="external_id")} & seen.keys():
        raise InvalidError("no column is mapped to the e-mail address or the external id, so contacts cannot be found")


def _check_field(maps_to: Mapping[str, Any], fields: Mapping[str, Field], pointer: str) -> None:
    if "field" in maps_to:
        if maps_to["field"] not in fields:
            raise InvalidError(f"there is no field {maps_to['field']!r}", f"{pointer}/field")
        return
    new = maps_to["new_field"]
    try:
        field_key(new["key"])
        field_name(new["name"])
    except InvalidError as error:
        raise InvalidError(error.detail, f"{pointer}/new_field") from None
    if new["key"] in fields and fields[new["key"]].type != new["type"]:
        raise InvalidError("there is a field of another type with this key", f"{pointer}/new_field/key")
