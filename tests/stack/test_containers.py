"""Kafka and PostgreSQL in containers serve the tests as the embedded ones do, where a Docker engine has the images."""

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.stack.containers import KAFKA_IMAGE, POSTGRES_IMAGE, engine_has, kafka_container, postgres_container


@pytest.mark.asyncio
async def test_a_broker_in_a_container_commits_a_transaction() -> None:
    if not engine_has(KAFKA_IMAGE):
        pytest.skip(f"no Docker engine has {KAFKA_IMAGE}")
    with kafka_container() as broker:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("things", num_partitions=1, replication_factor=1)])
        await admin.close()
        async with (
            AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="one") as producer,
            producer.transaction(),
        ):
            await producer.send_and_wait("things", b"a thing")
        async with AIOKafkaConsumer(
            "things",
            bootstrap_servers=broker.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        ) as consumer:
            assert (await consumer.getone()).value == b"a thing"


@pytest.mark.asyncio
async def test_a_database_server_in_a_container_creates_a_database() -> None:
    if not engine_has(POSTGRES_IMAGE):
        pytest.skip(f"no Docker engine has {POSTGRES_IMAGE}")
    with postgres_container() as server:
        connection = await asyncpg.connect(server.create_database("mine"))
        assert await connection.fetchval("SELECT current_database()") == "mine"
        await connection.close()
        server.drop_database("mine")
