"""Finding contacts by what others call them."""

from collections.abc import Collection

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.names import ContactName
from services.labeling.store import QUERIES
from services.labeling.store.contacts import contacts_of


async def find_contacts(connection: PoolConnectionProxy, names: Collection[ContactName]) -> dict[ContactName, int]:
    """The contact ids of those names that are somebody's now."""
    found: dict[ContactName, int] = {}
    by_id = {(name.account_id, int(name.key)): name for name in names if name.kind == "id"}
    if by_id:
        for key in await contacts_of(connection, by_id):
            found[by_id[key]] = key[1]
    by_key = [name for name in names if name.kind != "id"]
    if by_key:
        accounts, kinds, keys = zip(*by_key, strict=True)
        for row in await connection.fetch(QUERIES["find_contacts"], accounts, kinds, keys):
            found[ContactName(row["account_id"], row["kind"], row["key"])] = row["contact_id"]
    return found
