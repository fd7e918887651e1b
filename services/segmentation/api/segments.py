"""`/v1/segments`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from services.segmentation.api.interest import Day
from services.segmentation.api.members import page_of_members
from services.segmentation.api.models import (
    Broken,
    ContactKey,
    DayOfSegment,
    Member,
    SampleOut,
    SegmentIn,
    SegmentOut,
    SegmentSeries,
    SegmentUse,
    StreamedCount,
)
from services.segmentation.api.refusals import refusals
from services.segmentation.api.state import State
from services.segmentation.store.segments import Segment
from services.segmentation.use_cases.count_streams import Reservation
from shared.criteria import Criterion
from shared.events.labeling import ApiKeyChanged
from shared.http.keys import Caller, hash_of, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.routing import Router
from shared.waking import woken_within

STREAM = 'event: count\ndata: {"count":1840,"as_of":"2026-03-02T09:30:00Z"}\n\n'
router = Router(tags=["segments"])

KEEP_ALIVE = 15.0  # seconds without a change after which a comment is sent, so that proxies keep the connection open
KEY_CHECK_INTERVAL = 1.0  # seconds between checks whether a stream's key was revoked, which ends the stream

Force = Annotated[bool, Query(description="Delete it even if it is in use; the things that use it become broken.")]


@router.post("/v1/segments", status_code=201, response_model=SegmentOut)
async def create_segment(request: Request, body: SegmentIn, caller: Annotated[Caller, requires("write")]) -> Response:
    """Create a segment. Entries of its current members are published in batches, with the reason `definition`."""
    state = State.of(request)
    with refusals():
        segment = await state.segments.create(caller.account_id, body.name, body.criterion)
    answer = await _segment_with_count(state, caller.account_id, segment)
    response = Preconditions().answer(answer, etag_of(segment.version), 201)
    response.headers["Location"] = f"/v1/segments/{segment.segment_id}"
    return response


@router.get("/v1/segments")
async def list_segments(
    request: Request, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[SegmentOut]:
    """List the account's segments, oldest first, each with its published number of members."""
    state = State.of(request)
    key = page.key(UUID)
    rows, total = await state.segments.page(caller.account_id, key[0] if key else None, page.fetch)
    criteria = await state.segments.criteria(caller.account_id)
    counts, as_of = await state.criteria.announced(caller.account_id), datetime.now(UTC)
    return Page[SegmentOut].of(
        rows,
        page,
        key=lambda segment: (segment.segment_id,),
        item=lambda segment: _segment_out(
            state,
            caller.account_id,
            segment,
            criteria,
            None if counts is None else counts.get(str(segment.segment_id), 0),
            as_of,
        ),
        total=total,
    )


@router.get("/v1/segments/{segment_id}", response_model=SegmentOut)
async def get_segment(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("read")],
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Return a segment with its current number of members; `broken` lists things in it that no longer exist."""
    state = State.of(request)
    with refusals():
        segment = await state.segments.find(caller.account_id, segment_id)
    # The count changes without a new version, so a matching ETag does not mean an unchanged answer.
    answer = await _segment_with_count(state, caller.account_id, segment)
    return Preconditions(conditions.if_match, None).answer(answer, etag_of(segment.version))


@router.put("/v1/segments/{segment_id}", response_model=SegmentOut)
async def change_segment(
    request: Request,
    segment_id: UUID,
    body: SegmentIn,
    caller: Annotated[Caller, requires("write")],
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Change a segment. The difference is published in batches, with the reason `definition`."""
    state = State.of(request)
    with refusals():
        segment = await state.segments.change(
            caller.account_id,
            segment_id,
            body.name,
            body.criterion,
            lambda version: _require_version(conditions, version),
        )
    answer = await _segment_with_count(state, caller.account_id, segment)
    return Preconditions().answer(answer, etag_of(segment.version))


def _require_version(conditions: Preconditions, version: int) -> None:
    conditions.require(etag_of(version))


@router.delete("/v1/segments/{segment_id}", status_code=204)
async def delete_segment(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("write")],
    conditions: Annotated[Preconditions, preconditions()],
    *,
    force: Force = False,
) -> None:
    """Delete a segment; its members leave it. If it is in use, the answer is 409 with `uses`, unless forced."""
    with refusals():
        await State.of(request).segments.delete(
            caller.account_id,
            segment_id,
            force=force,
            check_version=lambda version: _require_version(conditions, version),
        )


@router.get("/v1/segments/{segment_id}/members")
async def list_members(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
) -> Page[Member]:
    """List the current members of the segment, by contact id."""
    state = State.of(request)
    key = page.key(ContactKey)
    with refusals():
        segment = await state.segments.find(caller.account_id, segment_id)
        contacts = await state.criteria.members(caller.account_id, segment, key[0] if key else 0, page.fetch)
    return page_of_members(contacts, page)


@router.get("/v1/segments/{segment_id}/sample")
async def sample_members(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("read")],
    limit: Annotated[int, Query(ge=1, le=100, description="The number of members to return.")] = 5,
) -> SampleOut:
    """Return a few members of the segment, spread over all of them."""
    state = State.of(request)
    with refusals():
        segment = await state.segments.find(caller.account_id, segment_id)
        contact_ids = await state.criteria.sample(caller.account_id, segment, limit)
    return SampleOut(items=[Member(contact_id=contact_id) for contact_id in contact_ids])


@router.get("/v1/segments/{segment_id}/series")
async def show_series(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("read")],
    since: Annotated[
        Day | None, Query(description="The first day, in the account's time zone; 90 days ago by default.")
    ] = None,
) -> SegmentSeries:
    """Return the number of members at the end of each day. Days are kept for two years."""
    first = since if since is not None else datetime.now(UTC).date() - timedelta(days=90)
    with refusals():
        days = await State.of(request).segments.ended_days(caller.account_id, segment_id, first)
    return SegmentSeries(days=[DayOfSegment(day=day, count=count) for day, count in days])


@router.get("/v1/segments/{segment_id}/uses")
async def list_uses(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
) -> Page[SegmentUse]:
    """List the segments, workflows, unfinished campaigns and blocks that use the segment."""
    (after,) = page.key(int) or (0,)
    with refusals():
        uses = list(enumerate(await State.of(request).segments.uses(caller.account_id, segment_id), 1))
    return Page[SegmentUse].of(
        uses[after:][: page.fetch],
        page,
        key=lambda numbered: (numbered[0],),
        item=lambda numbered: SegmentUse(**asdict(numbered[1])),
        total=len(uses),
    )


@router.get(
    "/v1/segments/{segment_id}/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM}}}},
)
async def stream_count(
    request: Request, segment_id: UUID, caller: Annotated[Caller, requires("read")]
) -> StreamingResponse:
    """Stream the number of members as it changes: server-sent events of type `count`; `deleted` ends the stream.

    An account has at most 20 streams at a time. A stream ends when its key is revoked.
    """
    state = State.of(request)
    with refusals():
        await state.segments.find(caller.account_id, segment_id)
        reservation = state.streams.reserve(caller.account_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    key_hash = hash_of(request.headers["authorization"].removeprefix("Bearer ").strip())
    events = _stream(request, state, caller.account_id, segment_id, key_hash, reservation)
    return StreamingResponse(events, 200, headers, "text/event-stream")


async def _stream(
    request: Request, state: State, account_id: int, segment_id: UUID, key_hash: str, reservation: Reservation
) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    silent_since = loop.time()
    sent_version = 0
    async with state.streams.follow(account_id, segment_id, reservation) as shared_count:
        while True:
            key = request.app.state.keys.find(ApiKeyChanged, key_hash)
            if key is None or key.revoked:
                return
            if shared_count.deleted:
                yield "event: deleted\ndata: {}\n\n"
                return
            if shared_count.count is not None and shared_count.version != sent_version:
                sent_version, silent_since = shared_count.version, loop.time()
                event = StreamedCount(count=shared_count.count, as_of=datetime.now(UTC))
                yield f"event: count\ndata: {event.model_dump_json()}\n\n"
            elif loop.time() - silent_since > KEEP_ALIVE:
                silent_since = loop.time()
                yield ": still here\n\n"
            changed = shared_count.changed
            if shared_count.version == sent_version:
                await woken_within(changed, KEY_CHECK_INTERVAL)


async def _segment_with_count(state: State, account_id: int, segment: Segment) -> SegmentOut:
    criteria = await state.segments.criteria(account_id)
    question = await state.criteria.question_about(account_id, segment)
    count = await state.criteria.count_members(account_id, question)
    return _segment_out(state, account_id, segment, criteria, count, datetime.now(UTC))


def _segment_out(
    state: State,
    account_id: int,
    segment: Segment,
    criteria: Mapping[UUID, Criterion],
    count: int | None,
    as_of: datetime,
) -> SegmentOut:
    faults = state.segments.faults(account_id, segment, criteria)
    broken = [Broken(pointer=f"/criterion{fault.pointer}", detail=fault.detail) for fault in faults]
    members: dict[str, Any] = {"count": count, "as_of": as_of if count is not None else None}
    return SegmentOut(
        id=segment.segment_id,
        name=segment.name,
        version=segment.version,
        criterion=segment.written,
        created_at=segment.created_at,
        changed_at=segment.changed_at,
        broken=broken or None,
        **members,
    )
