"""Let the operator at the machine's terminal in."""

from uuid import UUID, uuid4

from services.console.apis.client import Platform
from services.console.domain.roles import scopes_of
from services.console.store import people
from services.console.use_cases.sessions import make_link
from services.console.use_cases.vault import Vault
from shared.store.database import Database


async def link_for_operator(
    database: Database, platform: Platform, vault: Vault, name: str, account_keys: list[str]
) -> str:
    """Return the token of a link that signs the local operator in once.

    `account_keys`: admin keys of accounts that the operator is to administer; a key of the person's own is made with
    each, once. Raises Refused when the labeling service does not take a key.
    """
    person_id = await _operator(database, name)
    for account_key in account_keys:
        await _join(database, platform, vault, person_id, name, account_key)
    return await make_link(database, person_id)


async def _operator(database: Database, name: str) -> UUID:
    async with database.transaction() as connection:
        found = await people.local_operator(connection)
        if found is not None:
            return found
        person_id = uuid4()
        await people.insert_person(connection, person_id, name, None, is_operator=True)
        return person_id


async def _join(
    database: Database, platform: Platform, vault: Vault, person_id: UUID, name: str, account_key: str
) -> None:
    api = platform.with_key(account_key)
    account_id = int((await api.get("labeling", "/v1/account"))["account_id"])
    if await people.membership_of(database.pool, person_id, account_id) is not None:
        return
    made = await api.post("labeling", "/v1/keys", {"name": f"Console: {name}", "scopes": scopes_of("admin")})
    membership = people.Membership(account_id, "admin", UUID(made["id"]), vault.encrypt(made["key"], account_id))
    await people.put_membership(database.pool, person_id, membership)
