"""Create accounts and their API keys, and revoke keys."""

from collections.abc import Sequence
from typing import NamedTuple, get_args
from uuid import UUID

from services.labeling.domain.accounts import ApiKey
from services.labeling.domain.errors import NotFoundError
from services.labeling.store import accounts
from shared.events.labeling import AccountChanged, AccountScope, ApiKeyChanged, Scope
from shared.events.topics import CATALOG_PARTITION
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

ALL_SCOPES: tuple[AccountScope, ...] = get_args(AccountScope)


class CreatedAccount(NamedTuple):
    """A new account, and the position of its last event."""

    account_id: int
    position: int | None


class WrittenKey(NamedTuple):
    """A key that was created or revoked, and the position of its event."""

    key: ApiKey
    position: int | None


async def create_account(database: Database, name: str, time_zone: str, key_hash: str) -> CreatedAccount:
    """Create an account with a first key, given by its hash, that has all scopes. `time_zone` is an IANA name."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        account_id = await add_account(work, name, time_zone)
        await _add_key(work, account_id, "first key", ALL_SCOPES, key_hash)
    return CreatedAccount(account_id, work.position)


async def add_account(work: UnitOfWork, name: str, time_zone: str) -> int:
    """Create an account within a unit of work, without keys."""
    account_id = await accounts.insert_account(work.connection, name, time_zone)
    work.append(AccountChanged(occurred_at=work.now, account_id=account_id, account_name=name, time_zone=time_zone))
    return account_id


async def create_key(
    database: Database, account_id: int, name: str, scopes: Sequence[Scope], key_hash: str
) -> WrittenKey:
    """Create an API key, given by the hash of its text."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        key = await _add_key(work, account_id, name, scopes, key_hash)
    return WrittenKey(key, work.position)


async def _add_key(work: UnitOfWork, account_id: int, name: str, scopes: Sequence[Scope], key_hash: str) -> ApiKey:
    key = await accounts.insert_key(work.connection, account_id, name, scopes, key_hash)
    _append(work, key)
    return key


async def revoke_key(database: Database, account_id: int, key_id: UUID) -> WrittenKey:
    """Revoke a key; revoking again changes nothing. Raises NotFoundError."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        key = await accounts.revoke_key(work.connection, account_id, key_id, work.now)
        if key is None:
            raise NotFoundError("key")
        _append(work, key)
    return WrittenKey(key, work.position)


def _append(work: UnitOfWork, key: ApiKey) -> None:
    work.append(
        ApiKeyChanged(
            occurred_at=work.now,
            account_id=key.account_id,
            key_id=key.id,
            hash=key.hash,
            scopes=key.scopes,
            revoked=key.revoked_at is not None,
        )
    )
