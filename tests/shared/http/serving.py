"""A small service with an endpoint of every kind, on the real server at a free port."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Path, Query
from fastapi.responses import StreamingResponse
from pydantic import Field, SecretStr
from starlette.types import ASGIApp
from uuid_utils.compat import uuid7

from shared.events.envelope import ContactId
from shared.events.labeling import ApiKeyChanged, Scope
from shared.http.app import Application, create_app
from shared.http.bodies import MAX_BODY_BYTES, RequestBody
from shared.http.health import Check
from shared.http.keys import Caller, generate, hash_of, requires, requires_operator
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import FieldError, Problem
from shared.http.raw import RawHandler
from shared.http.routing import Router
from shared.http.server import serve
from shared.store.database import Database


class Keys:
    """Keys in memory; `late` keys are found only after a refresh, like keys that were just created."""

    def __init__(self) -> None:
        self.known: dict[str, ApiKeyChanged] = {}
        self.late: dict[str, ApiKeyChanged] = {}
        self.refreshes = 0
        self.is_reachable = True

    def find(self, _kind: type[ApiKeyChanged], key: str, /) -> ApiKeyChanged | None:
        return self.known.get(key)

    async def refresh(self) -> bool:
        self.refreshes += 1
        self.known.update(self.late)
        return self.is_reachable

    def make(self, *scopes: Scope, account_id: int = 1, revoked: bool = False, late: bool = False) -> str:
        key = generate()
        made = ApiKeyChanged(
            occurred_at=datetime.fromisoformat("2026-01-01T00:00:00Z"),
            account_id=account_id,
            key_id=uuid7(),
            hash=hash_of(key),
            scopes=scopes,
            revoked=revoked,
        )
        (self.late if late else self.known)[made.hash] = made
        return key


class Part(RequestBody):
    """A part of a thing."""

    size: Annotated[int, Field(ge=0, le=2**31 - 1)]


class NewThing(RequestBody):
    """The members of a new thing."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    parts: Annotated[list[Part], Field(max_length=10)] = Field(default_factory=list)
    is_good: bool = True
    at: datetime | None = None


class Thing(NewThing):
    """A thing."""

    id: UUID


router = Router()
Id = Annotated[UUID, Path()]


@router.get("/v1/things")
async def list_things(
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    contains: Annotated[str | None, Query(max_length=50)] = None,
) -> Page[int]:
    """List the numbers from 1 to 25."""
    last = page.key(int)
    start = last[0] + 1 if last else 1
    return Page.of(range(start, 26)[: page.fetch], page, key=lambda row: [row], item=int, total=25)


@router.post("/v1/things", status_code=201)
async def create_thing(body: NewThing, caller: Annotated[Caller, requires("write")]) -> Thing:
    """Create a thing; the name `taken` is in use."""
    if body.name == "taken":
        raise Problem(409, "There is one already.", errors=[FieldError("/name", "Taken")])
    return Thing(id=uuid7(), **body.model_dump())


@router.get("/v1/things/{thing_id}", response_model=Thing)
async def get_thing(
    thing_id: Id, caller: Annotated[Caller, requires("read")], conditions: Annotated[Preconditions, preconditions()]
) -> object:
    """Return one thing."""
    return conditions.answer(Thing(id=thing_id, name="a"), etag_of(3))


@router.put("/v1/things/{thing_id}")
async def replace_thing(
    thing_id: Id,
    body: NewThing,
    caller: Annotated[Caller, requires("write")],
    conditions: Annotated[Preconditions, preconditions()],
) -> Thing:
    """Replace a thing."""
    conditions.require(etag_of(3))
    return Thing(id=thing_id, **body.model_dump())


@router.get("/v1/contacts/{contact_id}")
async def get_contact(contact_id: ContactId, caller: Annotated[Caller, requires("read")]) -> dict[str, int]:
    """Return one contact."""
    return {"contact_id": contact_id}


@router.post("/v1/accounts", dependencies=[requires_operator()])
async def create_account() -> dict[str, bool]:
    """Create an account; only the operator may."""
    return {"made": True}


async def _ticks() -> AsyncIterator[bytes]:
    number = 0
    while True:
        yield b"data: %d\n\n" % number
        number += 1
        await asyncio.sleep(0.02)


@router.get("/v1/stream", response_class=StreamingResponse)
async def stream(caller: Annotated[Caller, requires("read")]) -> StreamingResponse:
    """Stream until the client disconnects."""
    return StreamingResponse(_ticks(), media_type="text/event-stream")


def make_app(
    keys: Keys | None = None,
    database: Database | None = None,
    *,
    checks: Sequence[Check] = (),
    operator_key: SecretStr | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    requests_per_second: int | None = None,
) -> Application:
    """Return the small service."""
    app = create_app(
        "Things",
        keys or Keys(),
        database,
        checks=checks,
        operator_key=operator_key,
        max_body_bytes=max_body_bytes,
        requests_per_second=requests_per_second,
    )
    app.include_router(router)
    return app


@asynccontextmanager
async def serving(
    app: ASGIApp,
    *,
    raw: RawHandler | None = None,
    key: str | None = None,
    trusted_proxies: Sequence[str] = (),
) -> AsyncIterator[httpx.AsyncClient]:
    """Provide a client of `app` on a real server, which stops at the end."""
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(
        serve(app, "127.0.0.1", 0, stop=stop, raw=raw, trusted_proxies=trusted_proxies, listening=port.set_result)
    )
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await port}", headers=headers, timeout=10) as client:
        yield client
    stop.set()
    async with asyncio.timeout(5):
        await server
