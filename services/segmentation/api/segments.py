"""`/v1/segments`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from services.segmentation.answers.questions import Asked, CountAnnounced, CountNodes, ListMembers
from services.segmentation.api.models import Broken, Member, SegmentIn, SegmentOut, StreamedCount
from services.segmentation.state import State
from services.segmentation.store.segments import Segment, criteria_of, read_page, read_segment, read_segments
from shared.criteria import Criterion, InvalidCriterion
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(tags=["segments"])

KEEP_ALIVE = 15.0  # seconds without a change, after which a comment keeps the connection open
LOOK_EVERY = 0.5  # seconds between looks at slices of other processes, which do not tell when they change
AT_MOST_EVERY = 0.1  # seconds between two counts on a stream


@router.post("/v1/segments", status_code=201, response_model=SegmentOut)
async def create_segment(request: Request, body: SegmentIn, caller: Annotated[Caller, requires("write")]) -> Response:
    """Make a segment. Its present members are announced in pieces, with the reason `definition`."""
    state = State.of(request)
    segment = await state.segments.create(caller.account_id, body.name, body.criterion)
    shown = await _counted(state, caller.account_id, segment)
    response = Preconditions().answer(shown, etag_of(segment.version), 201)
    response.headers["Location"] = f"/v1/segments/{segment.segment_id}"
    return response


@router.get("/v1/segments")
async def list_segments(
    request: Request, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[SegmentOut]:
    """The account's segments, oldest first, each with the number of its members as announced."""
    state = State.of(request)
    key = page.key(UUID)
    rows, total = await read_page(state.pool, caller.account_id, key[0] if key else None, page.fetch)
    criteria = criteria_of(await read_segments(state.pool, caller.account_id))
    counts, as_of = await _announced(state, caller.account_id), datetime.now(UTC)
    return Page[SegmentOut].of(
        rows,
        page,
        key=lambda segment: (segment.segment_id,),
        item=lambda segment: _shown(
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
    """A segment with the number of its members now; `broken` says what in it does not exist any more."""
    state = State.of(request)
    segment = await _find(state, caller.account_id, segment_id)
    # The count changes by itself, so having the version is not having the answer.
    shown = await _counted(state, caller.account_id, segment)
    return Preconditions(conditions.if_match, None).answer(shown, etag_of(segment.version))


@router.put("/v1/segments/{segment_id}", response_model=SegmentOut)
async def change_segment(
    request: Request,
    segment_id: UUID,
    body: SegmentIn,
    caller: Annotated[Caller, requires("write")],
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Change a segment. The difference is announced in pieces, with the reason `definition`."""
    state = State.of(request)
    segment = await state.segments.change(caller.account_id, segment_id, body.name, body.criterion, conditions)
    shown = await _counted(state, caller.account_id, segment)
    return Preconditions().answer(shown, etag_of(segment.version))


@router.delete("/v1/segments/{segment_id}", status_code=204)
async def delete_segment(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("write")],
    conditions: Annotated[Preconditions, preconditions()],
) -> None:
    """Delete a segment that nothing uses: no other segment, no active workflow. Its members leave it."""
    await State.of(request).segments.delete(caller.account_id, segment_id, conditions)


@router.get("/v1/segments/{segment_id}/members")
async def list_members(
    request: Request,
    segment_id: UUID,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
) -> Page[Member]:
    """Who is in the segment now, by contact id."""
    state = State.of(request)
    segment = await _find(state, caller.account_id, segment_id)
    key = page.key(int)
    asked = _asked(segment, await state.segments.criteria(caller.account_id))
    question = ListMembers(asked=asked, after=key[0] if key else 0, limit=page.fetch)
    answers = (await state.owners.ask(caller.account_id, question)).values()
    contact_ids = sorted(contact_id for answer in answers for contact_id in answer["contact_ids"])
    return Page[Member].of(
        contact_ids[: page.fetch],
        page,
        key=lambda contact_id: (contact_id,),
        item=lambda contact_id: Member(contact_id=contact_id),
        total=sum(answer["count"] for answer in answers),
    )


@router.get(
    "/v1/segments/{segment_id}/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_count(
    request: Request, segment_id: UUID, caller: Annotated[Caller, requires("read")]
) -> StreamingResponse:
    """The number of members as it changes: server-sent events of type `count`; `deleted` ends the stream."""
    state = State.of(request)
    await _find(state, caller.account_id, segment_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(state, caller.account_id, segment_id), 200, headers, "text/event-stream")


async def _stream(state: State, account_id: int, segment_id: UUID) -> AsyncIterator[str]:
    told: int | None = None
    loop = asyncio.get_running_loop()
    silent_since = loop.time()
    generation, question = -1, None
    while True:
        if generation != state.registry.generation:
            generation = state.registry.generation
            segment = await read_segment(state.pool, account_id, segment_id)
            if segment is None:
                yield "event: deleted\ndata: {}\n\n"
                return
            question = CountNodes(asked=Asked.of(segment.criterion, await state.segments.criteria(account_id)))
        count = None if question is None else await _count(state, account_id, question)
        if count is not None and count != told:
            told = count
            silent_since = loop.time()
            sent = StreamedCount(count=count, as_of=datetime.now(UTC))
            yield f"event: count\ndata: {sent.model_dump_json()}\n\n"
        elif loop.time() - silent_since > KEEP_ALIVE:
            silent_since = loop.time()
            yield ": still here\n\n"
        await asyncio.sleep(AT_MOST_EVERY)
        await state.changes.wait(LOOK_EVERY)


async def _find(state: State, account_id: int, segment_id: UUID) -> Segment:
    segment = await read_segment(state.pool, account_id, segment_id)
    if segment is None:
        raise Problem(404, "There is no such segment.")
    return segment


def _asked(segment: Segment, criteria: Mapping[UUID, Criterion]) -> Asked:
    asked = Asked.of(segment.criterion, criteria)
    try:
        _ = asked.inlined
    except InvalidCriterion as invalid:
        raise Problem(409, f"The segment is broken: {invalid}.") from None
    return asked


async def _counted(state: State, account_id: int, segment: Segment) -> SegmentOut:
    criteria = await state.segments.criteria(account_id)
    count = await _count(state, account_id, CountNodes(asked=Asked.of(segment.criterion, criteria)))
    return _shown(state, account_id, segment, criteria, count, datetime.now(UTC))


async def _count(state: State, account_id: int, question: CountNodes) -> int | None:
    """How many members; None while a slice has no owner, or if a segment in it is missing."""
    try:
        _ = question.asked.inlined
        answers = await state.owners.ask(account_id, question)
    except InvalidCriterion:
        return None
    except Problem as problem:
        if problem.status != 503:
            raise
        return None
    count: int = sum(nodes[0] for nodes in answers.values())
    return count


async def _announced(state: State, account_id: int) -> dict[str, int] | None:
    try:
        answers = await state.owners.ask(account_id, CountAnnounced())
    except Problem:
        return None
    counts: dict[str, int] = {}
    for answer in answers.values():
        for segment_id, count in answer.items():
            counts[segment_id] = counts.get(segment_id, 0) + count
    return counts


def _shown(
    state: State,
    account_id: int,
    segment: Segment,
    criteria: Mapping[UUID, Criterion],
    count: int | None,
    as_of: datetime,
) -> SegmentOut:
    faults = state.segments.broken(account_id, segment, criteria)
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
