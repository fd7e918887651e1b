"""Accounts and their API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record
from uuid_utils.compat import uuid7

from services.labeling.store import QUERIES
from shared.events.labeling import AccountChanged, ApiKeyChanged, Scope
from shared.store.unit_of_work import UnitOfWork


class ApiKey(NamedTuple):
    """A key as it is stored; its text is known to its owner only."""

    id: UUID
    account_id: int
    name: str
    scopes: tuple[Scope, ...]
    hash: str
    created_at: datetime
    revoked_at: datetime | None


def key_from_row(row: Record) -> ApiKey:
    """A row of `api_keys`."""
    return ApiKey(
        UUID(int=row["key_id"].int),
        row["account_id"],
        row["name"],
        tuple(row["scopes"]),
        row["hash"],
        row["created_at"],
        row["revoked_at"],
    )


async def add_account(work: UnitOfWork, name: str, time_zone: str) -> int:
    """A new account; tells it. `time_zone` is an IANA name."""
    account_id: int = await work.connection.fetchval(QUERIES["add_account"], name, time_zone)
    work.append(AccountChanged(occurred_at=work.now, account_id=account_id, account_name=name, time_zone=time_zone))
    return account_id


async def add_key(work: UnitOfWork, account_id: int, name: str, scopes: Sequence[Scope], key_hash: str) -> ApiKey:
    """A new key of an account; tells it."""
    row = await work.connection.fetchrow(QUERIES["add_key"], uuid7(), account_id, name, list(scopes), key_hash)
    assert row is not None
    return _told(work, key_from_row(row))


async def revoke_key(work: UnitOfWork, account_id: int, key_id: UUID) -> ApiKey | None:
    """Revokes a key, also one that was; tells it. None if there is no such key."""
    row = await work.connection.fetchrow(QUERIES["revoke_key"], account_id, key_id, work.now)
    return None if row is None else _told(work, key_from_row(row))


def _told(work: UnitOfWork, key: ApiKey) -> ApiKey:
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
    return key
