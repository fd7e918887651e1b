"""Kafka and PostgreSQL stopped and killed for a while, and connections ended one after another; all under load."""

import asyncio

import pytest

from tests.faults.chain import Chain
from tests.faults.checks import fetch
from tests.stack.nodes import KafkaNode, Node, PostgresNode

AWAY_FOR = 4.0  # seconds
ANSWERS_WITHIN = 5.0  # seconds, a redirect while Kafka or PostgreSQL is away, on a busy machine

SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


async def _away(server: Node, how: str) -> None:
    await asyncio.to_thread(getattr(server, how))
    await asyncio.sleep(AWAY_FOR)
    await asyncio.to_thread(server.start)


@pytest.mark.asyncio
async def test_redirects_answer_while_kafka_is_away_and_their_clicks_count(
    chain: Chain, private_kafka: KafkaNode
) -> None:
    redirects = await chain.redirects()
    async with chain.load(), redirects:
        await asyncio.sleep(1)
        for how in ("stop", "kill"):
            before = redirects.answered
            await _away(private_kafka, how)
            assert redirects.answered > before
            await asyncio.sleep(1)
    assert redirects.unanswered == 0
    assert redirects.slowest < ANSWERS_WITHIN
    await chain.check()


@pytest.mark.asyncio
async def test_redirects_answer_while_postgresql_is_away_and_their_clicks_count(
    chain: Chain, private_postgres: PostgresNode
) -> None:
    redirects = await chain.redirects()
    async with chain.load(), redirects:
        await asyncio.sleep(1)
        for how in ("stop", "kill"):
            before = redirects.answered
            await _away(private_postgres, how)
            assert redirects.answered > before
            await asyncio.sleep(1)
    assert redirects.unanswered == 0
    assert redirects.slowest < ANSWERS_WITHIN
    await chain.check()


@pytest.mark.asyncio
async def test_connections_to_the_database_ended_one_after_another(chain: Chain) -> None:
    ended = 0
    async with chain.load() as load:
        await load.reached(100)
        for service in ("labeling", "tracking"):
            dsn = chain.ground.database(service)
            for session in await fetch(dsn, SESSIONS):
                await fetch(dsn, "SELECT pg_terminate_backend($1)", session["pid"])
                ended += 1
                await load.reached(15)
        await load.reached(100)
    assert ended > 4
    await chain.check()
