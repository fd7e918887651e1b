"""Accounts and their API keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from pydantic import TypeAdapter
from uuid_utils.compat import uuid7

from services.labeling.domain.accounts import Account, ApiKey, Settings
from shared.events.labeling import Scope
from shared.store.counting import count_up_to_most
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
_SETTINGS = TypeAdapter(Settings)


def _account(row: Record) -> Account:
    settings = _SETTINGS.validate_json(row["settings"])
    return Account(row["account_id"], row["name"], row["time_zone"], row["state"], settings, row["created_at"])


def _key(row: Record) -> ApiKey:
    return ApiKey(
        UUID(int=row["key_id"].int),
        row["account_id"],
        row["name"],
        tuple(row["scopes"]),
        row["hash"],
        row["created_at"],
        row["revoked_at"],
    )


async def insert_account(connection: PoolConnectionProxy, name: str, time_zone: str) -> int:
    """Insert an account and return its id."""
    account_id: int = await QUERIES["insert_account"].fetchval(connection, name=name, time_zone=time_zone)
    return account_id


async def account_of_id(connection: PoolConnectionProxy, account_id: int) -> Account | None:
    """Return an account, or None."""
    row = await QUERIES["account_of_id"].fetchrow(connection, account_id=account_id)
    return None if row is None else _account(row)


async def list_accounts(connection: PoolConnectionProxy, after: int, limit: int) -> tuple[list[Account], int | None]:
    """Return a page of all accounts, oldest first, and the number of all; None if it exceeds MOST_COUNTED."""
    rows = await QUERIES["list_accounts"].fetch(connection, after=after, limit=limit)
    return [_account(row) for row in rows], await count_up_to_most(QUERIES["count_accounts"], connection)


async def update_account(connection: PoolConnectionProxy, account: Account) -> None:
    """Write name, time zone, state and settings of an account."""
    await QUERIES["update_account"].execute(
        connection,
        account_id=account.account_id,
        name=account.name,
        time_zone=account.time_zone,
        state=account.state,
        settings=_SETTINGS.dump_json(account.settings).decode(),
    )


async def active_keys(connection: PoolConnectionProxy, account_id: int) -> list[UUID]:
    """Return the ids of the account's keys that are not revoked."""
    rows = await QUERIES["active_keys"].fetch(connection, account_id=account_id)
    return [UUID(int=row["key_id"].int) for row in rows]


async def accounts_among(connection: PoolConnectionProxy, account_ids: Collection[int]) -> set[int]:
    """Return those of `account_ids` that exist."""
    rows = await QUERIES["accounts_among"].fetch(connection, account_ids=list(account_ids))
    return {row["account_id"] for row in rows}


async def insert_key(
    connection: PoolConnectionProxy, account_id: int | None, name: str, scopes: Sequence[Scope], key_hash: str
) -> ApiKey:
    """Insert an API key by the hash of its text; `account_id` is None for a pipeline's key."""
    row = await QUERIES["insert_key"].fetchrow(
        connection, key_id=uuid7(), account_id=account_id, name=name, scopes=list(scopes), hash=key_hash
    )
    assert row is not None
    return _key(row)


async def revoke_key(
    connection: PoolConnectionProxy, account_id: int | None, key_id: UUID, at: datetime
) -> ApiKey | None:
    """Mark a key as revoked, unless it is already; return None if there is no such key."""
    row = await QUERIES["revoke_key"].fetchrow(connection, account_id=account_id, key_id=key_id, at=at)
    return None if row is None else _key(row)


async def keys_of_account(
    connection: PoolConnectionProxy, account_id: int | None, after: UUID | None, limit: int
) -> tuple[list[ApiKey], int]:
    """Return a page of the account's keys, oldest first, and the number of all.

    If `account_id` is None, these are the keys of pipelines.
    """
    rows = await QUERIES["keys_of_account"].fetch(connection, account_id=account_id, after=after, limit=limit)
    total = await QUERIES["count_keys"].fetchval(connection, account_id=account_id)
    return [_key(row) for row in rows], total
