"""Signs in the operator at the machine's terminal."""

from uuid import UUID, uuid4

from services.console.apis.client import Platform
from services.console.store import people
from services.console.use_cases.people import admit
from services.console.use_cases.sessions import make_link
from services.console.use_cases.vault import Vault
from shared.store.database import Database


async def link_for_operator(
    database: Database, platform: Platform, vault: Vault, name: str, account_keys: list[str]
) -> str:
    """Return the token of a link that signs the local operator in once.

    `account_keys`: admin keys of accounts that the operator will administer; each is used once to create a key for the
    person. Raises ApiProblem if labeling refuses a key.
    """
    person_id = await _operator(database, name)
    for account_key in account_keys:
        await admit(database, platform, vault, account_key, person_id, name)
    return await make_link(database, person_id)


async def _operator(database: Database, name: str) -> UUID:
    async with database.transaction() as connection:
        existing = await people.local_operator(connection)
        if existing is not None:
            return existing
        person_id = uuid4()
        await people.insert_person(connection, person_id, name, None, is_operator=True)
        return person_id
