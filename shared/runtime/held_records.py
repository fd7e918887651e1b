"""For operators: records that the code failed on, to look at and to replay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from shared.http.keys import requires_operator
from shared.http.routing import Router
from shared.store.database import Database
from shared.store.held import release_failed
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


class Held(BaseModel):
    """One held record, without its value: that may be about a person."""

    id: int
    consumer: str
    topic: str
    partition: int
    offset: int
    account_id: int | None
    contact_id: int | None
    state: str
    reason: str
    held_at: datetime


class HeldList(BaseModel):
    """Held records, oldest first."""

    items: Sequence[Held]
    next_cursor: str | None
    total: int


class Replay(BaseModel):
    """Which failed records to process again: those of one contact, or all of a topic; nothing named: all."""

    model_config = ConfigDict(extra="forbid")

    topic: str | None = None
    account_id: int | None = None
    contact_id: int | None = None


class Replayed(BaseModel):
    """How many records will be processed again, in order, from now on."""

    released: int


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
        items = [Held(**dict(row)) for row in rows[:limit]]
        total = await QUERIES["count_held"].fetchval(database.pool, state=state)
        more = len(rows) > limit
        return HeldList(items=items, next_cursor=str(items[-1].id) if more else None, total=total)

    @router.post(f"/v1/{service}-held-records/replay", summary="Process failed records again")
    async def replay(wanted: Replay) -> Replayed:
        """Return the contact's held records of the topic are processed again, from the first one on."""
        async with database.transaction() as connection:
            released = await release_failed(connection, wanted.topic, wanted.account_id, wanted.contact_id)
        return Replayed(released=released)

    return router
