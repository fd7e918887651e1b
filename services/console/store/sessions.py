"""Sessions and sign-in links. Only the SHA-256 of tokens is stored."""

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.store.queries import Executor, queries_of

_QUERIES = queries_of(__file__)


async def insert_link(connection: Executor, token_hash: bytes, person_id: UUID, expires_at: datetime) -> None:
    """Insert a link that signs a person in once."""
    await _QUERIES["insert_link"].execute(connection, token_hash=token_hash, person_id=person_id, expires_at=expires_at)


async def find_link(connection: Executor, token_hash: bytes) -> UUID | None:
    """Return the id of a link's person, or None if the link is used, expired or unknown."""
    person_id: UUID | None = await _QUERIES["find_link"].fetchval(connection, token_hash=token_hash)
    return person_id


async def use_link(connection: Executor, token_hash: bytes) -> UUID | None:
    """Consume a link; return the id of its person, or None if the link is used, expired or unknown."""
    person_id: UUID | None = await _QUERIES["use_link"].fetchval(connection, token_hash=token_hash)
    return person_id


async def forget_expired(connection: Executor) -> None:
    """Delete expired links and sessions."""
    await _QUERIES["forget_expired"].execute(connection)


async def insert_session(
    connection: Executor, session_id: UUID, token_hash: bytes, person_id: UUID, browser: str, expires_at: datetime
) -> None:
    """Insert a session."""
    await _QUERIES["insert_session"].execute(
        connection,
        session_id=session_id,
        token_hash=token_hash,
        person_id=person_id,
        browser=browser,
        expires_at=expires_at,
    )


async def session_of(connection: Executor, token_hash: bytes) -> asyncpg.Record | None:
    """Return the session with its person, or None."""
    return await _QUERIES["session"].fetchrow(connection, token_hash=token_hash)


async def see_session(connection: Executor, session_id: UUID, expires_at: datetime) -> None:
    """Store that a session was used, and extend it."""
    await _QUERIES["see_session"].execute(connection, session_id=session_id, expires_at=expires_at)


async def sessions_of(connection: Executor, person_id: UUID) -> list[asyncpg.Record]:
    """Return a person's sessions, most recently used first."""
    return await _QUERIES["sessions_of_person"].fetch(connection, person_id=person_id)


async def end_session(connection: Executor, session_id: UUID, person_id: UUID) -> None:
    """End one session of a person."""
    await _QUERIES["end_session"].execute(connection, session_id=session_id, person_id=person_id)


async def end_sessions(connection: Executor, person_id: UUID) -> None:
    """End all sessions of a person."""
    await _QUERIES["end_sessions"].execute(connection, person_id=person_id)
