"""What a running service has appended."""

from typing import Any

import asyncpg
import orjson


async def events_of(dsn: str, account_id: int, kind: str) -> list[dict[str, Any]]:
    """Return the bodies of an account's events of a type, in order."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT body FROM events WHERE account_id = $1 AND type LIKE $2 ORDER BY position",
            account_id,
            f"penchant.{kind}.%",
        )
        return [orjson.loads(row["body"]) for row in rows]
    finally:
        await connection.close()
