"""Create and revoke API keys."""

from collections.abc import Sequence
from typing import NamedTuple, get_args
from uuid import UUID

from services.labeling.domain.accounts import ApiKey
from services.labeling.domain.errors import LimitError, NotFoundError
from services.labeling.domain.limits import MOST_KEYS
from services.labeling.store import accounts
from shared.events.labeling import NO_ACCOUNT, AccountScope, ApiKeyChanged, Scope
from shared.events.topics import CATALOG_PARTITION
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

ACCOUNT_SCOPES: tuple[AccountScope, ...] = get_args(AccountScope)


class WrittenKey(NamedTuple):
    """A key that was created or revoked, and the position of its event."""

    key: ApiKey
    position: int | None


async def create_key(
    database: Database, account_id: int | None, name: str, scopes: Sequence[Scope], key_hash: str
) -> WrittenKey:
    """Create an API key of an account, or of a pipeline if `account_id` is None. Raises LimitError.

    `key_hash` is the hash of the key's text.
    """
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        _, count = await accounts.keys_of_account(work.connection, account_id, None, 1)
        if count >= MOST_KEYS:
            raise LimitError("API keys", MOST_KEYS)
        key = await add_key(work, account_id, name, scopes, key_hash)
    return WrittenKey(key, work.position)


async def add_key(
    work: UnitOfWork, account_id: int | None, name: str, scopes: Sequence[Scope], key_hash: str
) -> ApiKey:
    """Create an API key within a unit of work."""
    key = await accounts.insert_key(work.connection, account_id, name, scopes, key_hash)
    _append(work, key)
    return key


async def revoke_key(database: Database, account_id: int | None, key_id: UUID) -> WrittenKey:
    """Revoke a key; revoking again changes nothing. Raises NotFoundError."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        key = await revoke(work, account_id, key_id)
    return WrittenKey(key, work.position)


async def revoke(work: UnitOfWork, account_id: int | None, key_id: UUID) -> ApiKey:
    """Revoke a key within a unit of work. Raises NotFoundError."""
    key = await accounts.revoke_key(work.connection, account_id, key_id, work.now)
    if key is None:
        raise NotFoundError("key")
    _append(work, key)
    return key


def _append(work: UnitOfWork, key: ApiKey) -> None:
    work.append(
        ApiKeyChanged(
            occurred_at=work.now,
            account_id=NO_ACCOUNT if key.account_id is None else key.account_id,
            key_id=key.id,
            hash=key.hash,
            scopes=key.scopes,
            revoked=key.revoked_at is not None,
        )
    )
