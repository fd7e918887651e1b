"""For operators: list and replay the records that the code failed on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from shared.http.keys import requires_operator
from shared.http.routing import Router
from shared.store.database import Database
from shared.store.held import release_failed
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


class HeldRecord(BaseModel):
    """One held record, without its value: that may be about a person."""

    id: Annotated[int, Field(description="The id of the held record.", examples=[12])]
    consumer: Annotated[str, Field(description="The consumer that holds it.", examples=["labels"])]
    topic: str
    partition: Annotated[int, Field(description="Its partition.", examples=[4])]
    offset: Annotated[int, Field(description="Its offset.", examples=[170322])]
    account_id: Annotated[int | None, Field(description="The account that it is about; null if that is unknown.")]
    contact_id: Annotated[int | None, Field(description="The contact that it is about; null if it is about none.")]
    state: Annotated[
        str,
        Field(
            description="`waiting` for something unknown, `failed`, or `ready` to be tried again.", examples=["failed"]
        ),
    ]
    reason: Annotated[str, Field(description="Why it could not be applied.", examples=["KeyError: 'label'"])]
    held_at: Annotated[datetime, Field(description="Since when it has been held.", examples=["2026-03-01T12:00:02Z"])]


class HeldList(BaseModel):
    """Held records, oldest first."""

    items: Annotated[Sequence[HeldRecord], Field(description="Held records, the oldest first.")]
    next_cursor: str | None
    total: int


class ReplayBody(BaseModel):
    """Which failed records to process again: those of one contact, or all of a topic; nothing named: all."""

    model_config = ConfigDict(extra="forbid")

    topic: Annotated[str | None, Field(description="Only records of this topic.", examples=["tracking.clicks"])] = None
    account_id: Annotated[int | None, Field(description="Only records of this account.")] = None
    contact_id: Annotated[int | None, Field(description="Only records of this contact.")] = None


class Replayed(BaseModel):
    """How many records will be processed again, in order, from now on."""

    released: Annotated[int, Field(description="Records that will be tried again.", examples=[1])]


def held_router(service: str, database: Database) -> Router:
    """Return the two endpoints; the operator's key opens them."""
    router = Router(tags=["operations"], dependencies=[requires_operator()])

    @router.get(f"/v1/{service}-held-records", summary="Records held back")
    async def list_held(
        state: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    ) -> HeldList:
        """Record that wait for something not yet known (`waiting`), that the code failed on (`failed`), …"""
        rows = await QUERIES["list_held"].fetch(database.pool, state=state, after=cursor, limit=limit + 1)
        items = [HeldRecord(**dict(row)) for row in rows[:limit]]
        total = await QUERIES["count_held"].fetchval(database.pool, state=state)
        more = len(rows) > limit
        return HeldList(items=items, next_cursor=str(items[-1].id) if more else None, total=total)

    @router.post(f"/v1/{service}-held-records/replay", summary="Process failed records again")
    async def replay(wanted: ReplayBody) -> Replayed:
        """Process the contact's held records of the topic again, from the first one on."""
        async with database.transaction() as connection:
            released = await release_failed(connection, wanted.topic, wanted.account_id, wanted.contact_id)
        return Replayed(released=released)

    return router
