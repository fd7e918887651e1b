"""Servers in containers, if a Docker engine is running and has the images; tests pull no images."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from deploy.embedded.ports import free_port
from tests.stack.shared import SharedKafka, SharedPostgres

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
SOCKET = Path("/var/run/docker.sock")
ENGINE_TIMEOUT = 5  # seconds
# A partition's leader receives the markers of transactions on the inter-broker listener: the broker needs an address
# that it reaches itself, beside the one that the tests reach.
KAFKA = {
    "NODE_ID": "1",
    "PROCESS_ROLES": "broker,controller",
    "LISTENERS": "TESTS://:9092,BROKER://:9093,CONTROLLER://:9094",
    "LISTENER_SECURITY_PROTOCOL_MAP": "TESTS:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "INTER_BROKER_LISTENER_NAME": "BROKER",
    "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "CONTROLLER_QUORUM_VOTERS": "1@localhost:9094",
    "AUTO_CREATE_TOPICS_ENABLE": "false",
    "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
}
# The containers below are removed at the end of their context. The container that removes them when a run is killed
# would be another image to pull.
testcontainers_config.ryuk_disabled = True


def engine_has(image: str) -> bool:
    """Return whether a Docker engine is running and has `image`."""
    if "DOCKER_HOST" not in os.environ and not SOCKET.exists():
        return False  # asking anyway would leave a socket open, and warnings are errors here
    try:
        client = docker.from_env(timeout=ENGINE_TIMEOUT)
    except DockerException:
        return False
    try:
        client.images.get(image)
    except (DockerException, OSError):
        return False
    finally:
        client.close()
    return True


@contextmanager
def kafka_container() -> Iterator[SharedKafka]:
    """Run a broker in a container, and remove it afterwards."""
    port = free_port()
    addresses = f"TESTS://localhost:{port},BROKER://localhost:9093"
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    for name, value in {**KAFKA, "ADVERTISED_LISTENERS": addresses}.items():
        container.with_env(f"KAFKA_{name}", value)
    with container.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
        yield SharedKafka(f"localhost:{port}")


@contextmanager
def postgres_container() -> Iterator[SharedPostgres]:
    """Run a database server in a container, and remove it afterwards."""
    with PostgresContainer(
        POSTGRES_IMAGE, username="postgres", password="postgres", dbname="postgres", driver=None
    ) as container:
        yield SharedPostgres(container.get_connection_url())
