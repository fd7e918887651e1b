"""Checks that everything that a criterion names exists, directly or through the segments that it names."""

from collections.abc import Mapping
from uuid import UUID

from shared.bus.catalog import Catalog
from shared.criteria import AccountLookup, Criterion, Fault, validate
from shared.criteria.grammar import InSegment
from shared.criteria.references import walk


async def validate_with_refresh(
    catalog: Catalog,
    account_id: int,
    criterion: Criterion,
    segments: Mapping[UUID, Criterion],
    *,
    writing: bool = True,
) -> tuple[Fault, ...]:
    """Return the faults of a criterion; if there are any, read the catalogs to their ends and validate again."""
    lookup = AccountLookup(catalog, account_id, segments.get)
    faults = validate(criterion, lookup, writing=writing) or broken_segments(criterion, lookup)
    if faults:
        await catalog.refresh()
        faults = validate(criterion, lookup, writing=writing) or broken_segments(criterion, lookup)
    return faults


def broken_segments(criterion: Criterion, lookup: AccountLookup) -> tuple[Fault, ...]:
    """Return a fault for each node that names a segment that is broken, directly or indirectly.

    The criterion itself must be valid.
    """
    faults: list[Fault] = []
    for node in walk(criterion):
        inner = lookup.segment(node.segment) if isinstance(node, InSegment) else None
        if isinstance(node, InSegment) and inner is not None:
            segment_faults = validate(inner, lookup, writing=False) or broken_segments(inner, lookup)
            if segment_faults:
                faults.append(
                    Fault(f"{node.pointer}/segment/id", f"segment {node.segment} is broken: {segment_faults[0].detail}")
                )
    return tuple(faults)
