"""Endpoints for operators: list held records, and replay those that the code failed on."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from shared.http.keys import requires_operator
from shared.http.pages import Page, PageRequest, page_request
from shared.http.routing import Router
from shared.store.counting import count_up_to_most
from shared.store.database import Database
from shared.store.held import release_failed
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

State = Literal["waiting", "failed", "ready", "dead"]


class HeldRecord(BaseModel):
    """One held record, without its value, which may contain personal data."""

    id: Annotated[int, Field(description="The id of the held record.", examples=[12])]
    consumer: Annotated[str, Field(description="The consumer that holds it.", examples=["labels"])]
    topic: str
    partition: Annotated[int, Field(description="Its partition.", examples=[4])]
    offset: Annotated[int, Field(description="Its offset.", examples=[170322])]
    account_id: Annotated[int | None, Field(description="The account that the record is about; null if unknown.")]
    contact_id: Annotated[int | None, Field(description="The contact that the record is about; null if there is none.")]
    state: Annotated[
        State,
        Field(
            description="`waiting` for something unknown, `failed`, `ready` to be retried, or `dead`: about to "
            "become a dead letter.",
            examples=["failed"],
        ),
    ]
    reason: Annotated[str, Field(description="Why it could not be applied.", examples=["KeyError: 'label'"])]
    held_at: Annotated[
        datetime, Field(description="When the record was first held.", examples=["2026-03-01T12:00:02Z"])
    ]


class ReplayBody(BaseModel):
    """The failed records to process again: those of one contact or topic; all if nothing is named."""

    model_config = ConfigDict(extra="forbid")

    topic: Annotated[str | None, Field(description="Only records of this topic.", examples=["tracking.clicks"])] = None
    account_id: Annotated[int | None, Field(description="Only records of this account.")] = None
    contact_id: Annotated[int | None, Field(description="Only records of this contact.")] = None


class Replayed(BaseModel):
    """The number of records that will be processed again, in order."""

    released: Annotated[int, Field(description="Records that will be processed again.", examples=[1])]


def held_router(service: str, database: Database) -> Router:
    """Return the router of the two endpoints, which require the operator's key."""
    router = Router(tags=["operations"], dependencies=[requires_operator()])

    @router.get(f"/v1/{service}-held-records", summary="Records held back")
    async def list_held(
        page: Annotated[PageRequest, page_request()],
        state: Annotated[State | None, Query(description="Only records in this state.")] = None,
    ) -> Page[HeldRecord]:
        """List records that wait for something unknown or that could not be processed, oldest first.

        `total` is null if there are more than 10,000.
        """
        (after,) = page.key(int) or (0,)
        names = ("list_held", "count_held") if state is None else ("list_held_in_state", "count_held_in_state")
        rows, count = (QUERIES[name] for name in names)
        filters = {} if state is None else {"state": state}
        return Page[HeldRecord].of(
            await rows.fetch(database.pool, **filters, after=after, limit=page.fetch),
            page,
            key=lambda row: (row["id"],),
            item=lambda row: HeldRecord(**dict(row)),
            total=await count_up_to_most(count, database.pool, **filters),
        )

    @router.post(f"/v1/{service}-held-records/replay", summary="Process failed records again")
    async def replay(wanted: ReplayBody) -> Replayed:
        """Process failed records again, in order for each contact; return their number."""
        async with database.transaction() as connection:
            released = await release_failed(connection, wanted.topic, wanted.account_id, wanted.contact_id)
        return Replayed(released=released)

    return router
