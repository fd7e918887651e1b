"""Invitations to an account."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.console.domain.roles import Role
from shared.store.queries import Executor, queries_of

_QUERIES = queries_of(__file__)


class Invitation(NamedTuple):
    """An invitation to an account; `api_key` is encrypted, and belongs to the person after they join."""

    invitation_id: UUID
    account_id: int
    role: Role
    email: str
    name: str
    key_id: UUID
    api_key: bytes


async def insert_invitation(
    connection: Executor, invitation: Invitation, token_hash: bytes, invited_by: UUID, expires_at: datetime
) -> None:
    """Insert an invitation."""
    await _QUERIES["insert_invitation"].execute(
        connection, **invitation._asdict(), token_hash=token_hash, invited_by=invited_by, expires_at=expires_at
    )


async def invitations_of(connection: Executor, account_id: int) -> list[asyncpg.Record]:
    """Return the pending invitations."""
    return await _QUERIES["invitations_of_account"].fetch(connection, account_id=account_id)


async def find_invitation(connection: Executor, token_hash: bytes) -> Invitation | None:
    """Return an invitation that may still be accepted, or None."""
    row = await _QUERIES["find_invitation"].fetchrow(connection, token_hash=token_hash)
    return None if row is None else Invitation(*row.values())


async def take_invitation(connection: Executor, token_hash: bytes) -> Invitation | None:
    """Consume an invitation; return it, or None."""
    row = await _QUERIES["take_invitation"].fetchrow(connection, token_hash=token_hash)
    return None if row is None else Invitation(*row.values())


async def delete_invitation(connection: Executor, invitation_id: UUID, account_id: int) -> UUID | None:
    """Withdraw an invitation; return the id of its key, or None if there is no such invitation."""
    key_id: UUID | None = await _QUERIES["delete_invitation"].fetchval(
        connection, invitation_id=invitation_id, account_id=account_id
    )
    return key_id
