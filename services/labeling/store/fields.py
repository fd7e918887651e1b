"""Fields of an account."""

from collections.abc import Collection

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.fields import Field
from services.labeling.store import QUERIES


async def fields_of_accounts(
    connection: PoolConnectionProxy, account_ids: Collection[int]
) -> dict[int, dict[str, Field]]:
    """The fields that there are, by account and key."""
    found: dict[int, dict[str, Field]] = {account_id: {} for account_id in account_ids}
    for row in await connection.fetch(QUERIES["fields_of_accounts"], list(account_ids)):
        found[row["account_id"]][row["key"]] = Field(row["key"], row["name"], row["type"], tuple(row["choices"]))
    return found
