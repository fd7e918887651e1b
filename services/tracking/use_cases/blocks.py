"""Sets the criteria of variants, which decide who is shown which variant of a block."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from services.tracking.domain.errors import BlockNotFound, CatalogOutOfDate, InvalidVariants
from services.tracking.domain.mail import BlockState, VariantCriterion
from services.tracking.store.messages import StoredMessage, change_message, replace_criteria
from services.tracking.use_cases.messages import Require, append_message, read_to_change
from services.tracking.use_cases.service import Tracking
from shared.criteria import AccountLookup, Criterion, InvalidCriterion, parse, validate, write
from shared.events.segmentation import SegmentChanged
from shared.events.topics import CATALOG_PARTITION

Fault = tuple[str, str]


class RequestedVariant(NamedTuple):
    """A variant with its criterion, from a request."""

    variant: str
    criterion: object


async def set_criteria(
    tracking: Tracking,
    account_id: int,
    message_id: UUID,
    block: str,
    requested: Sequence[RequestedVariant],
    require: Require,
) -> StoredMessage:
    """Replace the criteria of a block's variants; they are tried in the order of `requested`.

    Raises MessageNotFound, BlockNotFound, InvalidVariants, CatalogOutOfDate, EventTooLarge.
    """
    criteria = await _parse_criteria(tracking, account_id, requested)
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        message = await read_to_change(work, account_id, message_id, require)
        state = next((state for state in message.blocks() if state.name == block), None)
        if state is None:
            raise BlockNotFound
        if faults := _name_faults(state, requested):
            raise InvalidVariants(faults)
        await replace_criteria(work.connection, message_id, block, criteria)
        message = replace(
            message,
            version=message.version + 1,
            changed_at=work.now,
            criteria={**message.criteria, block: criteria},
        )
        await change_message(work.connection, message)
        event = append_message(work, message)
    await tracking.announce(work, event)
    return message


def is_broken(tracking: Tracking, account_id: int, criterion: Mapping[str, Any]) -> bool:
    """Return whether a stored criterion names something that no longer exists; such a variant is skipped."""
    try:
        return bool(validate(parse(criterion), _lookup(tracking, account_id), writing=False))
    except InvalidCriterion:
        return True


async def _parse_criteria(
    tracking: Tracking, account_id: int, requested: Sequence[RequestedVariant]
) -> list[VariantCriterion]:
    parsed: list[Criterion] = []
    faults: list[Fault] = []
    for index, variant in enumerate(requested):
        try:
            parsed.append(parse(variant.criterion))
        except InvalidCriterion as invalid:
            faults += [(_pointer(index, fault.pointer), fault.detail) for fault in invalid.faults]
    if faults:
        raise InvalidVariants(faults)
    faults = _validate(tracking, account_id, parsed)
    if faults:
        up_to_date = await tracking.catalog.refresh()
        faults = _validate(tracking, account_id, parsed)
        if faults:
            raise InvalidVariants(faults) if up_to_date else CatalogOutOfDate
    return [
        VariantCriterion(variant.variant, write(criterion))
        for variant, criterion in zip(requested, parsed, strict=True)
    ]


def _validate(tracking: Tracking, account_id: int, criteria: Sequence[Criterion]) -> list[Fault]:
    lookup = _lookup(tracking, account_id)
    return [
        (_pointer(index, fault.pointer), fault.detail)
        for index, criterion in enumerate(criteria)
        for fault in validate(criterion, lookup)
    ]


def _lookup(tracking: Tracking, account_id: int) -> AccountLookup:
    def criterion_of(segment_id: UUID) -> Criterion | None:
        segment = tracking.catalog.find(SegmentChanged, segment_id)
        if segment is None or segment.account_id != account_id or segment.state == "deleted":
            return None
        try:
            return parse(segment.criterion)
        except InvalidCriterion:
            return None

    return AccountLookup(tracking.catalog, account_id, criterion_of)


def _pointer(index: int, within: str) -> str:
    return f"/variants/{index}/criterion{within}"


def _name_faults(state: BlockState, requested: Sequence[RequestedVariant]) -> list[Fault]:
    """Return a fault for each variant that is unknown, missing or named twice."""
    known = {variant for variant, _ in state.variants}
    faults: list[Fault] = []
    seen: set[str] = set()
    for index, variant in enumerate(requested):
        if variant.variant not in known:
            faults.append((f"/variants/{index}/variant", "The block has no such variant"))
        elif variant.variant in seen:
            faults.append((f"/variants/{index}/variant", "The variant occurs twice"))
        seen.add(variant.variant)
    if missing := sorted(known - seen):
        faults.append(("/variants", f"The block also has {', '.join(missing)}; include all of its variants"))
    return faults
