"""The servers of the tests keep their data when they are stopped or killed and started again."""

import asyncpg
import pytest

from tests.stack.nodes import KafkaNode, PostgresNode, broker_answers

COMMITS = 100  # in far less than the 0.6 s within which asynchronous commits are written to the log


@pytest.mark.asyncio
async def test_a_database_per_test_is_empty_and_writable(database_dsn: str) -> None:
    connection = await asyncpg.connect(database_dsn)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        await connection.execute("CREATE TABLE something (id int)")
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
    finally:
        await connection.close()


@pytest.mark.fault
@pytest.mark.asyncio
async def test_a_killed_broker_restarts_on_the_same_address(private_kafka: KafkaNode) -> None:
    address, pid = private_kafka.bootstrap, private_kafka.pid
    private_kafka.kill()
    assert not await broker_answers(address)
    private_kafka.start()
    assert private_kafka.pid != pid
    assert await broker_answers(address)


@pytest.mark.fault
@pytest.mark.asyncio
async def test_a_stopped_or_killed_database_server_keeps_its_databases(private_postgres: PostgresNode) -> None:
    dsn = private_postgres.create_database("kept")
    for end in (private_postgres.stop, private_postgres.kill):
        end()
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(dsn, timeout=2)
        private_postgres.start()
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    private_postgres.drop_database("kept")


@pytest.mark.fault
@pytest.mark.asyncio
async def test_a_killed_database_server_keeps_committed_rows(private_postgres: PostgresNode) -> None:
    dsn = private_postgres.create_database("committed")
    writer = await asyncpg.connect(dsn)
    await writer.execute("CREATE TABLE written (number int)")
    for number in range(COMMITS):
        await writer.execute("INSERT INTO written VALUES ($1)", number)
    private_postgres.kill()
    writer.terminate()
    private_postgres.start()
    reader = await asyncpg.connect(dsn)
    assert await reader.fetchval("SELECT count(*) FROM written") == COMMITS
    await reader.close()
    private_postgres.drop_database("committed")
