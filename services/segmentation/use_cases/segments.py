"""Creates, changes and deletes segments, each in a unit of work on the catalog partition."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from asyncpg.pool import Pool
from uuid_utils.compat import uuid7

from services.segmentation.domain.errors import LimitReached, NotFound
from services.segmentation.store import segments as store
from services.segmentation.store.membership_changes import ChangeFilter, MembershipChange, read_changes
from services.segmentation.store.segment_days import read_days
from services.segmentation.store.segments import Segment, criteria_of
from services.segmentation.use_cases.validating import broken_segments, validate_with_refresh
from shared.criteria import (
    AccountLookup,
    Criterion,
    Fault,
    InvalidCriterion,
    parse,
    references,
    validate,
    would_circle,
    write,
)
from shared.events.segmentation import CampaignChanged, SegmentChanged
from shared.events.topics import CATALOG_PARTITION
from shared.events.tracking import MessageChanged
from shared.events.workflow import WorkflowChanged
from shared.runtime.service import Resources
from shared.store.unit_of_work import MAX_DEFINITION_BYTES, UnitOfWork
from shared.uses import InUseError, Use

MAX_SEGMENTS = 5_000  # per account

# Called with the present version while the segment is locked; raises if the caller expects another version.
VersionCheck = Callable[[int], None]


def any_version(_version: int) -> None:
    """Accept every version."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of all accounts."""

    resources: Resources

    @property
    def pool(self) -> Pool:
        """Connections for reading."""
        return self.resources.database.pool

    async def criteria(self, account_id: int) -> Mapping[UUID, Criterion]:
        """Return the criteria of all of the account's segments by id."""
        return criteria_of(await store.read_segments(self.pool, account_id))

    async def find(self, account_id: int, segment_id: UUID) -> Segment:
        """Return a segment. Raises NotFound."""
        segment = await store.read_segment(self.pool, account_id, segment_id)
        if segment is None:
            raise _not_found()
        return segment

    async def page(self, account_id: int, after: UUID | None, limit: int) -> tuple[list[Segment], int]:
        """Return at most `limit` segments with an id above `after`, and their total number."""
        return await store.read_page(self.pool, account_id, after, limit)

    async def read_criterion(
        self, account_id: int, value: object, segments: Mapping[UUID, Criterion], *, writing: bool = True
    ) -> Criterion:
        """Parse and validate a criterion of a request, or a stored one (not `writing`). Raises InvalidCriterion."""
        criterion = parse(value)
        faults = await validate_with_refresh(self.resources.catalog, account_id, criterion, segments, writing=writing)
        if faults:
            raise InvalidCriterion(faults)
        return criterion

    def faults(self, account_id: int, segment: Segment, segments: Mapping[UUID, Criterion]) -> tuple[Fault, ...]:
        """Return why a segment is broken: the parts of its criterion that no longer exist or cannot be read."""
        criterion = segment.criterion
        lookup = AccountLookup(self.resources.catalog, account_id, segments.get)
        return segment.unreadable or validate(criterion, lookup, writing=False) or broken_segments(criterion, lookup)

    async def create(self, account_id: int, name: str, value: object) -> Segment:
        """Create a segment. Raises InvalidCriterion, LimitReached, EventTooLarge."""
        criterion = await self.read_criterion(account_id, value, await self.criteria(account_id))
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            others = await self._others(work, account_id, None)
            if len(others) >= MAX_SEGMENTS:
                raise LimitReached(f"An account has at most {MAX_SEGMENTS} segments.")
            _check_segments_exist(criterion, others)
            segment = Segment(uuid7(), name, 1, write(criterion), criterion, work.now, work.now)
            await store.insert_segment(work.connection, account_id, segment)
            work.append(_event(account_id, segment), most_bytes=MAX_DEFINITION_BYTES)
        await self.resources.acknowledged(work)
        return segment

    async def change(
        self, account_id: int, segment_id: UUID, name: str, value: object, check_version: VersionCheck = any_version
    ) -> Segment:
        """Change the name and the criterion of a segment; nothing happens if both are the same.

        Raises NotFound, InvalidCriterion, EventTooLarge, and the errors of `check_version`.
        """
        known = await self.criteria(account_id)
        if segment_id not in known:
            raise _not_found()
        criterion = await self.read_criterion(account_id, value, known)
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            current = await self._find_locked(work, account_id, segment_id)
            check_version(current.version)
            others = await self._others(work, account_id, segment_id)
            circle = would_circle(segment_id, criterion, others)
            if circle is not None:
                raise InvalidCriterion((circle,))
            _check_segments_exist(criterion, others)
            segment = replace(
                current,
                name=name,
                version=current.version + 1,
                written=write(criterion),
                criterion=criterion,
                changed_at=work.now,
            )
            if (segment.name, segment.written) == (current.name, current.written):
                return current
            await store.update_segment(work.connection, account_id, segment)
            work.append(_event(account_id, segment), most_bytes=MAX_DEFINITION_BYTES)
        await self.resources.acknowledged(work)
        return segment

    async def delete(
        self, account_id: int, segment_id: UUID, *, force: bool = False, check_version: VersionCheck = any_version
    ) -> None:
        """Delete a segment.

        `force`: even if it is in use; its users are then broken. Raises NotFound, InUseError, and the errors of
        `check_version`.
        """
        await self.resources.catalog.refresh()
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            current = await self._find_locked(work, account_id, segment_id)
            check_version(current.version)
            segments = await store.read_segments(work.connection, account_id)
            # In a thread, because reading thousands of definitions would block the event loop.
            uses = await asyncio.to_thread(self._uses, account_id, segment_id, segments)
            if uses and not force:
                raise InUseError("segment", uses)
            await store.delete_segment(work.connection, account_id, segment_id)
            work.append(_event(account_id, current, deleted=True))
        await self.resources.acknowledged(work)

    async def uses(self, account_id: int, segment_id: UUID) -> list[Use]:
        """Return the segments, workflows, campaigns and blocks that use a segment, as of now. Raises NotFound."""
        await self.find(account_id, segment_id)
        await self.resources.catalog.refresh()
        return self._uses(account_id, segment_id, await store.read_segments(self.pool, account_id))

    async def ended_days(self, account_id: int, segment_id: UUID, since: date) -> list[tuple[date, int]]:
        """Return the number of members at the end of each day since `since`. Raises NotFound."""
        await self.find(account_id, segment_id)
        return await read_days(self.pool, segment_id, since)

    async def membership_changes(
        self, account_id: int, change_filter: ChangeFilter, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[MembershipChange]:
        """Return entries into and exits from segments, newest first. Raises NotFound for an unknown segment."""
        if change_filter.segment_id is not None:
            await self.find(account_id, change_filter.segment_id)
        return await read_changes(self.pool, account_id, change_filter, before, limit)

    async def _find_locked(self, work: UnitOfWork, account_id: int, segment_id: UUID) -> Segment:
        segment = await store.read_segment(work.connection, account_id, segment_id)
        if segment is None:
            raise _not_found()
        return segment

    async def _others(self, work: UnitOfWork, account_id: int, segment_id: UUID | None) -> dict[UUID, Criterion]:
        """Return the criteria of the account's segments except this one, by id."""
        criteria = dict(criteria_of(await store.read_segments(work.connection, account_id)))
        if segment_id is not None:
            criteria.pop(segment_id, None)
        return criteria

    def _uses(self, account_id: int, segment_id: UUID, segments: Iterable[Segment]) -> list[Use]:
        uses = [
            Use("segment", str(segment.segment_id), segment.name)
            for segment in segments
            if segment_id in references(segment.criterion).segments
        ]
        uses += [
            Use("workflow", str(workflow.workflow_id), workflow.workflow_name)
            for workflow in self.resources.catalog.all(WorkflowChanged, account_id)
            if workflow.state != "deleted" and segment_id in workflow.uses.segments
        ]
        uses += [
            Use("campaign", str(campaign.campaign_id), campaign.campaign_name)
            for campaign in self.resources.catalog.all(CampaignChanged, account_id)
            if not campaign.is_over
            and any(
                segment_id in references(parse(criterion)).segments
                for criterion in (*campaign.audience.include, *campaign.audience.exclude)
            )
        ]
        uses += [
            Use("block", f"{message.message_id}/{block.block}", f"{message.message_name}: {block.block}")
            for message in self.resources.catalog.all(MessageChanged, account_id)
            if message.state != "deleted"
            for block in message.blocks
            if any(_names_segment(variant.criterion, segment_id) for variant in block.variants)
        ]
        return uses


def _names_segment(criterion: object, segment_id: UUID) -> bool:
    try:
        return criterion is not None and segment_id in references(parse(criterion)).segments
    except InvalidCriterion:
        # A later version wrote it, or it is broken. It is ignored.
        return False


def _check_segments_exist(criterion: Criterion, others: Mapping[UUID, Criterion]) -> None:
    # The criterion was validated before the lock was taken; a segment may have been deleted since.
    missing = [segment for segment in references(criterion).segments if segment not in others]
    if missing:
        raise InvalidCriterion((Fault("", f"there is no segment {missing[0]}"),))


def _not_found() -> NotFound:
    return NotFound("There is no such segment.")


def _event(account_id: int, segment: Segment, *, deleted: bool = False) -> SegmentChanged:
    return SegmentChanged(
        occurred_at=segment.changed_at,
        account_id=account_id,
        segment_id=segment.segment_id,
        segment_name=segment.name,
        segment_version=segment.version + deleted,
        criterion=segment.written,
        state="deleted" if deleted else "active",
    )
