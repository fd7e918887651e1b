"""Creates databases, roles, topics and tables: `python -m deploy.images.prepare FOLDER`, before the services start.

FOLDER has the secrets (`deploy.images.secrets`). Running it again changes nothing. Services also create their tables
when they start; this program does it once, before several processes of a service start concurrently.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from aiokafka.errors import KafkaError
from asyncpg import PostgresError

from deploy.embedded.databases import ensure_databases
from deploy.embedded.services import SERVICES
from deploy.images.secrets import administrator_dsn, role_passwords
from shared.bus.topics import ensure_topics
from shared.settings import CommonSettings
from shared.store.migrate import migrate


def migrations_of(service: str) -> Traversable:
    """Return the folder of a service's migrations."""
    return files(f"services.{service}") / "migrations"


@contextmanager
def exits_on_failure(server: str) -> Iterator[None]:
    """End the program with a short message if a server does not answer, or rejects a request."""
    try:
        yield
    except (OSError, PostgresError, KafkaError) as error:
        raise SystemExit(f"{server} cannot be prepared: {error}") from error


async def prepare(folder: Path) -> None:
    """Prepare PostgreSQL and Kafka."""
    with exits_on_failure("PostgreSQL"):
        databases = await ensure_databases(administrator_dsn(folder), role_passwords(folder))
    with exits_on_failure("Kafka"):
        topics = await ensure_topics(CommonSettings())
    for name in SERVICES:
        dsn = (folder / name / f"penchant_{name}_database").read_text()
        with exits_on_failure(f"The database of {name}"), as_file(migrations_of(name)) as migrations:
            await migrate(dsn, [migrations])
    sys.stdout.write(f"{len(databases)} databases and {len(topics)} topics created\n")


if __name__ == "__main__":
    asyncio.run(prepare(Path(sys.argv[1])))
