"""Requests with the same Idempotency-Key are carried out once, despite failures and concurrency."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import Request

from shared.events.labeling import LabelAssigned
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.http.bodies import RequestBody
from shared.http.idempotency import database_of
from shared.http.keys import Caller, requires
from shared.http.problems import Problem
from shared.http.routing import Router
from shared.idempotency.claims import blank_answers
from shared.store.database import Database
from tests.shared.http.serving import Keys, make_app, serving


class Order(RequestBody):
    """The body of a request; `outcome` is what the endpoint does."""

    contact_id: int = 1
    outcome: str = "fine"


class Service:
    """An endpoint that counts how often it was carried out."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = Keys()
        self.carried_out = 0
        self.started = asyncio.Event()
        self.may_continue = asyncio.Event()
        self.may_continue.set()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        router = Router()

        @router.post("/v1/orders", status_code=201)
        async def order(
            request: Request, body: Order, caller: Annotated[Caller, requires("write")]
        ) -> dict[str, object]:
            return await self.carry_out(body, caller, database_of(request, self.database))

        app = make_app(self.keys, self.database)
        app.include_router(router)
        async with serving(app, key=self.keys.make("write")) as client:
            yield client

    async def carry_out(self, body: Order, caller: Caller, database: Database) -> dict[str, object]:
        self.carried_out += 1
        self.started.set()
        await self.may_continue.wait()
        if body.outcome == "conflict":
            raise Problem(409, "No.")
        if body.outcome == "bug before":
            raise KeyError
        partition = partition_of(caller.account_id, body.contact_id, self.database.partitions)
        async with database.unit_of_work(partition) as work:
            work.append(
                LabelAssigned(
                    occurred_at=work.now,
                    account_id=caller.account_id,
                    contact_id=body.contact_id,
                    label_id=caller.key_id,
                    label_name="Dogs",
                    origin=Origin(kind="manual"),
                )
            )
        if body.outcome == "bug after":
            raise KeyError
        return {"contact_id": body.contact_id, "number": self.carried_out}

    async def age_claims(self, age: timedelta) -> None:
        await self.database.pool.execute("UPDATE idempotency_answers SET claimed_at = $1", datetime.now(UTC) - age)


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


@pytest.mark.asyncio
async def test_the_first_answer_is_replayed(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        first = await client.post("/v1/orders", json={}, headers=key("a"))
        again = await client.post("/v1/orders", json={}, headers=key("a"))
        assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
        assert again.headers["content-type"] == "application/json"
        assert again.headers["idempotency-replayed"] == "true"
        assert service.carried_out == 1
        assert (await client.post("/v1/orders", json={}, headers=key("b"))).json()["number"] == 2
        assert (await client.post("/v1/orders", json={})).json()["number"] == 3
        client.headers["Authorization"] = f"Bearer {service.keys.make('write', account_id=2)}"
        assert (await client.post("/v1/orders", json={}, headers=key("a"))).json()["number"] == 4


@pytest.mark.asyncio
async def test_other_bodies_and_malformed_keys_are_rejected_and_conflicts_replayed(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        await client.post("/v1/orders", json={}, headers=key("a"))
        other = await client.post("/v1/orders", json={"contact_id": 2}, headers=key("a"))
        assert other.status_code == 422
        assert other.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"
        for malformed in ("", "a b", "x" * 256):
            assert (await client.post("/v1/orders", json={}, headers=key(malformed))).status_code == 422
        for _ in range(2):
            refused = await client.post("/v1/orders", json={"outcome": "conflict"}, headers=key("c"))
            assert refused.status_code == 409
            assert refused.json()["detail"] == "No."
        assert service.carried_out == 2
        assert (await client.post("/v1/orders", json={"contact_id": ""}, headers=key("d"))).status_code == 422
        assert (await client.post("/v1/orders", json={}, headers=key("d"))).status_code == 201


@pytest.mark.asyncio
async def test_a_second_request_conflicts_while_the_first_one_is_running(database: Database) -> None:
    service = Service(database)
    service.may_continue.clear()
    async with service.client() as client:
        first = asyncio.create_task(client.post("/v1/orders", json={}, headers=key("a")))
        await service.started.wait()
        assert (await client.post("/v1/orders", json={}, headers=key("a"))).status_code == 409
        service.may_continue.set()
        assert (await first).status_code == 201
        assert (await client.post("/v1/orders", json={}, headers=key("a"))).status_code == 201
        assert service.carried_out == 1


@pytest.mark.asyncio
async def test_concurrent_requests_are_carried_out_once(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        answers = await asyncio.gather(*(client.post("/v1/orders", json={}, headers=key("a")) for _ in range(20)))
    assert service.carried_out == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


@pytest.mark.asyncio
async def test_only_a_failure_before_the_commit_releases_the_key(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        for _ in range(2):
            failed = await client.post("/v1/orders", json={"outcome": "bug before"}, headers=key("a"))
            assert failed.status_code == 500
        assert service.carried_out == 2
        assert (await client.post("/v1/orders", json={"outcome": "bug after"}, headers=key("b"))).status_code == 500
        for age in (timedelta(), timedelta(minutes=3), timedelta(hours=23)):
            await service.age_claims(age)
            again = await client.post("/v1/orders", json={"outcome": "bug after"}, headers=key("b"))
            assert again.status_code == 409
        assert service.carried_out == 3


@pytest.mark.asyncio
async def test_a_claim_expires_after_two_minutes_and_its_first_owner_is_fenced(
    database: Database,
) -> None:
    service = Service(database)
    service.may_continue.clear()
    async with service.client() as client:
        zombie = asyncio.create_task(client.post("/v1/orders", json={}, headers=key("a")))
        await service.started.wait()
        await service.age_claims(timedelta(minutes=3))
        service.started.clear()
        successor = asyncio.create_task(client.post("/v1/orders", json={}, headers=key("a")))
        await service.started.wait()
        service.may_continue.set()
        assert (await zombie).status_code == 409
        assert (await successor).status_code == 201
    assert await database.pool.fetchval("SELECT count(*) FROM events") == 1


@pytest.mark.asyncio
async def test_a_key_can_be_reused_after_a_day(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        await client.post("/v1/orders", json={}, headers=key("a"))
        await service.age_claims(timedelta(hours=25))
        assert (await client.post("/v1/orders", json={"contact_id": 2}, headers=key("a"))).json()["number"] == 2


@pytest.mark.asyncio
async def test_an_erasure_blanks_answers_that_do_not_contain_the_contact_id(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        await client.post("/v1/orders", json={"contact_id": 1, "outcome": "conflict"}, headers=key("a"))
        async with database.transaction() as connection:
            await blank_answers(connection, 1, [1])
        assert await database.pool.fetchval("SELECT blanked FROM idempotency_answers WHERE key = 'a'")


@pytest.mark.asyncio
async def test_an_erasure_blanks_only_answers_about_the_contact(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        await client.post("/v1/orders", json={"contact_id": 1}, headers=key("a"))
        await client.post("/v1/orders", json={"contact_id": 2}, headers=key("b"))
        async with database.transaction() as connection:
            await blank_answers(connection, 1, [1])
        assert (await client.post("/v1/orders", json={"contact_id": 1}, headers=key("a"))).status_code == 409
        assert (await client.post("/v1/orders", json={"contact_id": 2}, headers=key("b"))).status_code == 201
        assert service.carried_out == 2
        assert await database.pool.fetchval("SELECT body FROM idempotency_answers WHERE key = 'a'") is None
