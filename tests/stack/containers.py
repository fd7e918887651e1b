"""Servers in containers, where a Docker engine is running and has the images: tests pull none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer

from tests.stack.shared import SharedKafka, SharedPostgres

KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"  # testcontainers starts Confluent's image; it has Apache Kafka 4.1
POSTGRES_IMAGE = "postgres:18"
SOCKET = Path("/var/run/docker.sock")
ENGINE_TIMEOUT = 5  # seconds


def engine_has(image: str) -> bool:
    """Return whether a Docker engine is running and has `image`."""
    if "DOCKER_HOST" not in os.environ and not SOCKET.exists():
        return False  # asking all the same would leave a socket open, and warnings are errors here
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
    with KafkaContainer(KAFKA_IMAGE).with_kraft() as container:
        yield SharedKafka(container.get_bootstrap_server())


@contextmanager
def postgres_container() -> Iterator[SharedPostgres]:
    """Run a database server in a container, and remove it afterwards."""
    with PostgresContainer(POSTGRES_IMAGE, username="postgres", password="postgres", driver=None) as container:
        yield SharedPostgres(container.get_connection_url())
