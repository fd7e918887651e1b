"""Revisions stored without positions of links get the positions that the finder of their version returned."""

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from uuid import UUID, uuid4

import pytest

from services.tracking.app import SERVICE
from services.tracking.domain.links import find_links
from services.tracking.store.messages import read_revision
from shared.store.database import Database

pytestmark = pytest.mark.asyncio

# The first finder regarded every `href` as a link.
HTML = '<a href="https://a.example/1"><span href=https://a.example/2>Buy</span></a>'
FILL = """
WITH message AS (
    INSERT INTO messages (message_id, account_id, name, revision, version, created_at, changed_at)
    VALUES ($1, 1, 'Spring', 1, 1, now(), now()) RETURNING message_id
), revision AS (
    INSERT INTO revisions (message_id, revision, html, link_ids, created_at)
    SELECT message_id, 1, $2, $3, now() FROM message
)
INSERT INTO links (link_id, message_id, number, url, text, present)
SELECT link_id, message_id, number, 'https://a.example/' || number, 'Buy', true
FROM message, unnest($3::uuid[]) WITH ORDINALITY AS link (link_id, number)
"""


def migration() -> ModuleType:
    spec = spec_from_file_location("link_places", SERVICE.migrations / "tracking-0005-link-places.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def places(database: Database, message_id: UUID) -> list[str]:
    async with database.pool.acquire() as connection:
        revision = await read_revision(connection, 1, message_id, None)
    assert revision is not None
    return [HTML[place.start : place.end] for place in revision.places]


async def test_an_old_revision_keeps_the_links_that_the_first_finder_returned(database: Database) -> None:
    assert len(find_links(HTML)) == 1
    message_id, link_ids = uuid4(), [uuid4(), uuid4()]
    await database.pool.execute(FILL, message_id, HTML, link_ids)
    expected = ["https://a.example/1", "https://a.example/2"]
    assert await places(database, message_id) == expected, "before the migration, as an older process writes revisions"
    async with database.pool.acquire() as connection:
        await migration().apply(connection)
        stored = await connection.fetchrow("SELECT link_starts, link_ends, link_quoted FROM revisions")
        written = await connection.fetch("SELECT written FROM links ORDER BY number")
    assert stored is not None
    assert stored["link_quoted"] == [True, False]
    assert await places(database, message_id) == expected
    assert [row["written"] for row in written] == [[url] for url in expected]
