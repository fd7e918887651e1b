"""People and their memberships of accounts."""

from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.console.domain.roles import Role
from shared.store.queries import Executor, queries_of

_QUERIES = queries_of(__file__)


class Membership(NamedTuple):
    """The role of a person in an account; `api_key` is encrypted."""

    account_id: int
    role: Role
    key_id: UUID
    api_key: bytes


async def insert_person(
    connection: Executor, person_id: UUID, name: str, email: str | None, *, is_operator: bool
) -> None:
    """Add a person."""
    await _QUERIES["insert_person"].execute(
        connection, person_id=person_id, name=name, email=email, is_operator=is_operator
    )


class Addressee(NamedTuple):
    """A person to whom mails can be sent; `language` is None unless they have chosen one."""

    person_id: UUID
    email: str
    language: str | None


async def person_of_email(connection: Executor, email: str) -> Addressee | None:
    """Return the person with this address, ignoring case, or None."""
    row = await _QUERIES["person_of_email"].fetchrow(connection, email=email)
    return None if row is None else Addressee(*row)


async def local_operator(connection: Executor) -> UUID | None:
    """Return the id of the operator who signs in from the terminal, or None."""
    person_id: UUID | None = await _QUERIES["local_operator"].fetchval(connection)
    return person_id


async def update_preferences(
    connection: Executor, person_id: UUID, name: str, language: str | None, theme: str
) -> None:
    """Update a person's name, language and theme."""
    await _QUERIES["update_preferences"].execute(
        connection, person_id=person_id, name=name, language=language, theme=theme
    )


async def put_membership(connection: Executor, person_id: UUID, membership: Membership) -> None:
    """Write the role of a person in an account, with its key."""
    await _QUERIES["put_membership"].execute(connection, person_id=person_id, **membership._asdict())


async def memberships_of(connection: Executor, person_id: UUID) -> list[Membership]:
    """Return a person's memberships, by account."""
    rows = await _QUERIES["memberships_of_person"].fetch(connection, person_id=person_id)
    return [Membership(row["account_id"], row["role"], row["key_id"], row["api_key"]) for row in rows]


async def membership_of(connection: Executor, person_id: UUID, account_id: int) -> Membership | None:
    """Return a person's membership of an account, or None."""
    row = await _QUERIES["membership"].fetchrow(connection, person_id=person_id, account_id=account_id)
    return None if row is None else Membership(account_id, row["role"], row["key_id"], row["api_key"])


async def people_of(connection: Executor, account_id: int) -> list[asyncpg.Record]:
    """Return the people of an account, with their roles and the times at which they were last seen."""
    return await _QUERIES["people_of_account"].fetch(connection, account_id=account_id)


async def delete_membership(connection: Executor, person_id: UUID, account_id: int) -> None:
    """Remove a person from an account."""
    await _QUERIES["delete_membership"].execute(connection, person_id=person_id, account_id=account_id)


async def count_admins(connection: Executor, account_id: int) -> int:
    """Return the number of administrators of an account."""
    count: int = await _QUERIES["count_admins"].fetchval(connection, account_id=account_id)
    return count
