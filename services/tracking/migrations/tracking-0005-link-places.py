"""the places of links in revisions that were stored without them"""

from typing import Any

from services.tracking.domain.first_finder import first_places

__depends__ = {"tracking-0004-mails"}

AT_ONCE = 50  # a revision's HTML has up to 2 MB
READ = """
SELECT message_id, revision, html, link_ids FROM revisions
WHERE link_starts IS NULL AND (message_id, revision) > ($1, $2)
ORDER BY message_id, revision LIMIT $3
"""
WRITE = """
UPDATE revisions SET link_starts = $3, link_ends = $4, link_quoted = $5 WHERE message_id = $1 AND revision = $2
"""
WRITE_ADDRESSES = """
UPDATE links SET written = array_append(links.written, found.address)
FROM unnest($1::uuid[], $2::text[]) AS found (link_id, address)
WHERE links.link_id = found.link_id AND found.address <> ALL (links.written)
"""


async def apply(connection: Any) -> None:  # noqa: ANN401 - an asyncpg connection
    """Fill the places in by the finder that the revisions were stored with."""
    after = "00000000-0000-0000-0000-000000000000", 0
    while rows := await connection.fetch(READ, *after, AT_ONCE):
        for row in rows:
            places = first_places(row["html"])
            if len(places) != len(row["link_ids"]):
                raise RuntimeError(f"message {row['message_id']} has other links than were stored")
            key = row["message_id"], row["revision"]
            starts, ends = [place.start for place in places], [place.end for place in places]
            await connection.execute(WRITE, *key, starts, ends, [place.quoted for place in places])
            addresses = {
                link_id: row["html"][place.start : place.end]
                for link_id, place in zip(row["link_ids"], places, strict=True)
            }
            await connection.execute(WRITE_ADDRESSES, list(addresses), list(addresses.values()))
        after = rows[-1]["message_id"], rows[-1]["revision"]


async def rollback(connection: Any) -> None:  # noqa: ANN401
    """Nothing to do: the columns go with the migration before."""
