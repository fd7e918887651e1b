"""A request with the same Idempotency-Key is carried out once, whatever happens in between."""

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
    """The body of a request: what the endpoint shall do."""

    contact_id: int = 1
    outcome: str = "fine"


class Service:
    """An endpoint that counts how often it was carried out."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = Keys()
        self.carried_out = 0
        self.at_work = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

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
        self.at_work.set()
        await self.go_on.wait()
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

    async def grow_old(self, age: timedelta) -> None:
        await self.database.pool.execute("UPDATE idempotency_answers SET claimed_at = $1", datetime.now(UTC) - age)


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


@pytest.mark.asyncio
async def test_the_first_answer_comes_again(database: Database) -> None:
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
async def test_another_body_a_malformed_key_and_refusals(database: Database) -> None:
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
async def test_while_the_first_is_at_work_the_second_is_a_conflict(database: Database) -> None:
    service = Service(database)
    service.go_on.clear()
    async with service.client() as client:
        first = asyncio.create_task(client.post("/v1/orders", json={}, headers=key("a")))
        await service.at_work.wait()
        assert (await client.post("/v1/orders", json={}, headers=key("a"))).status_code == 409
        service.go_on.set()
        assert (await first).status_code == 201
        assert (await client.post("/v1/orders", json={}, headers=key("a"))).status_code == 201
        assert service.carried_out == 1


@pytest.mark.asyncio
async def test_many_at_once_are_carried_out_once(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        answers = await asyncio.gather(*(client.post("/v1/orders", json={}, headers=key("a")) for _ in range(20)))
    assert service.carried_out == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


@pytest.mark.asyncio
async def test_a_failure_before_the_effect_frees_the_key_and_one_after_it_does_not(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        for _ in range(2):
            failed = await client.post("/v1/orders", json={"outcome": "bug before"}, headers=key("a"))
            assert failed.status_code == 500
        assert service.carried_out == 2
        assert (await client.post("/v1/orders", json={"outcome": "bug after"}, headers=key("b"))).status_code == 500
        for age in (timedelta(), timedelta(minutes=3), timedelta(hours=23)):
            await service.grow_old(age)
            again = await client.post("/v1/orders", json={"outcome": "bug after"}, headers=key("b"))
            assert again.status_code == 409
        assert service.carried_out == 3


@pytest.mark.asyncio
async def test_a_claim_whose_process_died_is_free_after_two_minutes_and_its_zombie_changes_nothing(
    database: Database,
) -> None:
    service = Service(database)
    service.go_on.clear()
    async with service.client() as client:
        zombie = asyncio.create_task(client.post("/v1/orders", json={}, headers=key("a")))
        await service.at_work.wait()
        await service.grow_old(timedelta(minutes=3))
        service.at_work.clear()
        successor = asyncio.create_task(client.post("/v1/orders", json={}, headers=key("a")))
        await service.at_work.wait()
        service.go_on.set()
        assert (await zombie).status_code == 409
        assert (await successor).status_code == 201
    assert await database.pool.fetchval("SELECT count(*) FROM events") == 1


@pytest.mark.asyncio
async def test_after_a_day_a_key_is_new_again(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        await client.post("/v1/orders", json={}, headers=key("a"))
        await service.grow_old(timedelta(hours=25))
        assert (await client.post("/v1/orders", json={"contact_id": 2}, headers=key("a"))).json()["number"] == 2


@pytest.mark.asyncio
async def test_an_erasure_blanks_an_answer_that_does_not_repeat_whom_it_was_asked_about(database: Database) -> None:
    service = Service(database)
    async with service.client() as client:
        await client.post("/v1/orders", json={"contact_id": 1, "outcome": "conflict"}, headers=key("a"))
        async with database.transaction() as connection:
            await blank_answers(connection, 1, [1])
        assert await database.pool.fetchval("SELECT blanked FROM idempotency_answers WHERE key = 'a'")


@pytest.mark.asyncio
async def test_an_erasure_blanks_the_answers_that_speak_of_the_contact(database: Database) -> None:
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
