"""Names of labels are not written to PostgreSQL's log."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from services.labeling.store import MIGRATIONS
from services.labeling.store.labels import insert_label, update_label
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from tests.services.labeling.shop import NOON, Shop
from tests.stack.nodes import PostgresNode

SECRET = f"Velvet {uuid4().hex}"


@pytest.fixture
def own_dsn(private_postgres: PostgresNode) -> Iterator[str]:
    """Provide a database on a server whose log can be read."""
    name = f"names_{uuid4().hex}"
    yield private_postgres.create_database(name)
    private_postgres.drop_database(name)


@pytest.mark.asyncio
async def test_a_conflicting_name_of_a_label_is_not_logged(private_postgres: PostgresNode, own_dsn: str) -> None:
    database = await Database.open(own_dsn)
    try:
        await database.migrate([MIGRATIONS])
        async with database.pool.acquire() as connection:
            await extend_event_tables(connection)
        shop = await Shop.open(database, SECRET, "Cats")
        async with database.transaction() as connection:
            assert await insert_label(connection, shop.account_id, SECRET.upper(), "", "private") is None
            cats = shop.labels["Cats"]
            assert await update_label(connection, cats._replace(name=SECRET), NOON) is False
            assert await update_label(connection, cats._replace(name="Lions"), NOON) is True
    finally:
        await database.close()
    assert SECRET.lower() not in private_postgres.said().lower()
