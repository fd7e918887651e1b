"""A write to a closed connection raises the error on which aiokafka's clients retry."""

import pytest
import uvloop
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from shared.bus.connection import client_options
from shared.settings import CommonSettings
from tests.conftest import TestKafka


def test_a_write_to_a_closed_connection_raises_a_kafka_error(kafka: TestKafka) -> None:
    servers = client_options(CommonSettings.model_validate({"kafka": kafka.bootstrap}))["bootstrap_servers"]
    host, _, port = servers.partition(":")

    async def write_after_close() -> None:
        connection = await create_conn(host, int(port))
        assert await connection.send(MetadataRequest([])) is not None
        connection._writer.transport.abort()
        with pytest.raises(KafkaConnectionError):
            await connection.send(MetadataRequest([]))
        assert not connection.connected()

    uvloop.run(write_after_close())
