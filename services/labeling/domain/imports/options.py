"""How an import is to be carried out, as a person chose it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from services.labeling.domain.tables.cells import DateOrder, Decimal

ImportMode = Literal["create_and_update", "create", "update"]
UnknownLabels = Literal["error", "create", "ignore"]
EmptyCells = Literal["keep", "clear"]
NewSubscription = Literal["subscribed", "unconfirmed"]

KNOWN_TARGETS = ("email", "external_id", "labels", "subscription", "language")


@dataclass(frozen=True, slots=True)
class Options:
    """What a person chose. `subscription` is that of new contacts, `basis` what allows to write to them."""

    subscription: NewSubscription | None = None
    basis: str | None = None
    mode: ImportMode = "create_and_update"
    unknown_labels: UnknownLabels = "error"
    add_labels: tuple[UUID, ...] = ()
    empty_cells: EmptyCells = "keep"
    dates: DateOrder = "iso"
    decimal: Decimal = "."


@dataclass(frozen=True, slots=True)
class Target:
    """What a column becomes: one of `KNOWN_TARGETS`, or the field `key`."""

    known: str | None = None
    key: str | None = None


def target_of(maps_to: str | Mapping[str, Any] | None) -> Target | None:
    """Return the target that the interface names; None for a column that is left out."""
    if maps_to is None:
        return None
    if isinstance(maps_to, str):
        return Target(known=maps_to)
    return Target(key=maps_to["field"] if "field" in maps_to else maps_to["new_field"]["key"])
