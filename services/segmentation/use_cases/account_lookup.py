"""What an account has, as the catalogs say: what criteria may name."""

from collections.abc import Mapping
from uuid import UUID

from shared.bus.catalog import Catalog
from shared.criteria import Criterion, Existence, Fault, validate
from shared.criteria.grammar import InSegment
from shared.criteria.references import walk
from shared.events.labeling import FieldChanged, FieldType, LabelChanged
from shared.events.tracking import MessageChanged


class Links:
    """The message of every link."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def message_of(self, link_id: UUID) -> UUID | None:
        """Return the message that the link is in."""
        return self._catalog.message_of(link_id)


class AccountLookup:
    """`shared.criteria.Lookup` of one account; `segments` are its own, from the service's table."""

    def __init__(self, catalog: Catalog, links: Links, account_id: int, segments: Mapping[UUID, Criterion]) -> None:
        self._catalog = catalog
        self._links = links
        self._account_id = account_id
        self._segments = segments

    def label(self, label_id: UUID) -> Existence:
        found = self._catalog.find(LabelChanged, label_id)
        if found is None or found.account_id != self._account_id:
            return "unknown"
        if found.merged_into is not None:
            # Whoever names it means the label that it was merged into.
            return self.label(found.merged_into)
        return "known" if found.state in ("active", "hidden") else "merged" if found.state == "merged" else "deleted"

    def message(self, message_id: UUID) -> Existence:
        found = self._catalog.find(MessageChanged, message_id)
        if found is None or found.account_id != self._account_id:
            return "unknown"
        return "known" if found.state == "active" else "deleted"

    def link(self, link_id: UUID) -> Existence:
        message_id = self._links.message_of(link_id)
        return "unknown" if message_id is None else self.message(message_id)

    def field(self, key: str) -> tuple[FieldType, tuple[str, ...]] | None:
        found = self._catalog.find(FieldChanged, (self._account_id, key))
        return None if found is None or found.state != "active" else (found.field_type, found.choices)

    def segment(self, segment_id: UUID) -> Criterion | None:
        return self._segments.get(segment_id)


async def validate_with_refresh(
    catalog: Catalog,
    links: Links,
    account_id: int,
    criterion: Criterion,
    segments: Mapping[UUID, Criterion],
    *,
    writing: bool = True,
) -> tuple[Fault, ...]:
    """Validate; if something is not known, read the catalogs to their end and validate once more."""
    lookup = AccountLookup(catalog, links, account_id, segments)
    faults = validate(criterion, lookup, writing=writing) or broken_segments(criterion, lookup)
    if faults:
        await catalog.refresh()
        faults = validate(criterion, lookup, writing=writing) or broken_segments(criterion, lookup)
    return faults


def broken_segments(criterion: Criterion, lookup: AccountLookup) -> tuple[Fault, ...]:
    """Return the nodes that name a segment that is broken, however deep. The criterion itself must be valid."""
    faults: list[Fault] = []
    for node in walk(criterion):
        inner = lookup.segment(node.segment) if isinstance(node, InSegment) else None
        if isinstance(node, InSegment) and inner is not None:
            found = validate(inner, lookup, writing=False) or broken_segments(inner, lookup)
            if found:
                faults.append(
                    Fault(f"{node.pointer}/segment/id", f"segment {node.segment} is broken: {found[0].detail}")
                )
    return tuple(faults)
