"""Segments are made, changed and deleted here: each a unit of work on the catalog."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.segmentation.lookup import AccountLookup, Links, validate_patiently
from services.segmentation.store.segments import (
    Segment,
    change_segment,
    criteria_of,
    delete_segment,
    insert_segment,
    read_segment,
    read_segments,
)
from shared.criteria import Criterion, Fault, InvalidCriterion, parse, references, validate, would_circle, write
from shared.events.segmentation import SegmentChanged
from shared.events.topics import CATALOG_PARTITION
from shared.events.workflow import WorkflowChanged
from shared.http.preconditions import Preconditions, etag_of
from shared.http.problems import FieldError, Problem
from shared.runtime.service import Surroundings
from shared.store.unit_of_work import UnitOfWork

MOST_SEGMENTS = 5_000  # of an account


@dataclass(frozen=True, slots=True)
class Segments:
    """What the endpoints do with segments."""

    surroundings: Surroundings
    links: Links

    async def criteria(self, account_id: int) -> Mapping[UUID, Criterion]:
        """The criteria of all of the account's segments."""
        return criteria_of(await read_segments(self.surroundings.database.pool, account_id))

    async def read(self, account_id: int, value: object, others: Mapping[UUID, Criterion]) -> Criterion:
        """A criterion that can be asked, from a request's `criterion`. Raises Problem 422 with pointers."""
        try:
            criterion = parse(value)
        except InvalidCriterion as invalid:
            raise not_valid(invalid.faults) from None
        faults = await validate_patiently(self.surroundings.catalog, self.links, account_id, criterion, others)
        if faults:
            raise not_valid(faults)
        return criterion

    def broken(self, account_id: int, segment: Segment, others: Mapping[UUID, Criterion]) -> tuple[Fault, ...]:
        """What in the segment's criterion does not exist any more."""
        lookup = AccountLookup(self.surroundings.catalog, self.links, account_id, others)
        return validate(segment.criterion, lookup)

    async def create(self, account_id: int, name: str, value: object) -> Segment:
        """A new segment. Raises Problem 422, and 409 if there are too many."""
        criterion = await self.read(account_id, value, await self.criteria(account_id))
        async with self.surroundings.database.unit_of_work(CATALOG_PARTITION) as work:
            others = await self._others(work, account_id, None)
            if len(others) >= MOST_SEGMENTS:
                raise Problem(409, f"An account has at most {MOST_SEGMENTS} segments.")
            self._check(criterion, others)
            segment = Segment(uuid7(), name, 1, write(criterion), criterion, work.now, work.now)
            await insert_segment(work.connection, account_id, segment)
            work.append(_event(account_id, segment))
        await self.surroundings.acknowledged(work)
        return segment

    async def change(
        self, account_id: int, segment_id: UUID, name: str, value: object, conditions: Preconditions
    ) -> Segment:
        """Another name and criterion. Raises Problem 404, 412, 422."""
        known = await self.criteria(account_id)
        if segment_id not in known:
            raise _no_segment()
        criterion = await self.read(account_id, value, known)
        async with self.surroundings.database.unit_of_work(CATALOG_PARTITION) as work:
            found = await self._find(work, account_id, segment_id)
            conditions.require(etag_of(found.version))
            others = await self._others(work, account_id, segment_id)
            circle = would_circle(segment_id, criterion, others)
            if circle is not None:
                raise not_valid([circle])
            self._check(criterion, others)
            segment = Segment(
                segment_id, name, found.version + 1, write(criterion), criterion, found.created_at, work.now
            )
            if (segment.name, segment.written) == (found.name, found.written):
                return found
            await change_segment(work.connection, account_id, segment_id, name, segment.written, work.now)
            work.append(_event(account_id, segment))
        await self.surroundings.acknowledged(work)
        return segment

    async def delete(self, account_id: int, segment_id: UUID, conditions: Preconditions) -> None:
        """No such segment any more. Raises Problem 404, 412, and 409 with who uses it."""
        await self.surroundings.catalog.refresh()
        async with self.surroundings.database.unit_of_work(CATALOG_PARTITION) as work:
            found = await self._find(work, account_id, segment_id)
            conditions.require(etag_of(found.version))
            users = self._users(account_id, segment_id, await read_segments(work.connection, account_id))
            if users:
                errors = [FieldError("", f"{user['kind']} {user['name']} uses it") for user in users]
                raise Problem(409, "The segment is in use.", errors=errors, more={"users": users})
            await delete_segment(work.connection, account_id, segment_id)
            work.append(_event(account_id, found, deleted=True))
        await self.surroundings.acknowledged(work)

    async def _find(self, work: UnitOfWork, account_id: int, segment_id: UUID) -> Segment:
        found = await read_segment(work.connection, account_id, segment_id)
        if found is None:
            raise _no_segment()
        return found

    async def _others(self, work: UnitOfWork, account_id: int, segment_id: UUID | None) -> dict[UUID, Criterion]:
        found = dict(criteria_of(await read_segments(work.connection, account_id)))
        if segment_id is not None:
            found.pop(segment_id, None)
        return found

    def _check(self, criterion: Criterion, others: Mapping[UUID, Criterion]) -> None:
        # What it names was looked at before; a segment may have been deleted since.
        gone = [segment for segment in references(criterion).segments if segment not in others]
        if gone:
            raise not_valid([Fault("", f"there is no segment {gone[0]}")])

    def _users(self, account_id: int, segment_id: UUID, segments: Iterable[Segment]) -> list[dict[str, Any]]:
        users = [
            {"kind": "segment", "id": str(segment.segment_id), "name": segment.name}
            for segment in segments
            if segment_id in references(segment.criterion).segments
        ]
        users += [
            {"kind": "workflow", "id": str(workflow.workflow_id), "name": workflow.workflow_name}
            for workflow in self.surroundings.catalog.all(WorkflowChanged, account_id)
            if workflow.state in ("active", "paused") and segment_id in workflow.uses.segments
        ]
        return users


def _no_segment() -> Problem:
    return Problem(404, "There is no such segment.")


def not_valid(faults: Iterable[Fault]) -> Problem:
    """The answer to a criterion that cannot be used; pointers are those of the request's body."""
    errors = [FieldError(f"/criterion{fault.pointer}", fault.detail) for fault in faults]
    return Problem(422, "The criterion is not valid; see errors.", errors=errors)


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
