"""Signs people in and out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.console.domain.errors import LinkExpired
from services.console.store import sessions as store
from services.console.use_cases.tokens import hash_of, new_token
from shared.store.database import Database

LINK_LIFETIME = timedelta(hours=1)
SESSION_LIFETIME = timedelta(days=14)
SEEN_INTERVAL = timedelta(minutes=1)
LONGEST_BROWSER = 300  # characters of a User-Agent


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person with the session."""

    person_id: UUID
    session_id: UUID
    name: str
    email: str | None
    language: str | None
    theme: str
    is_operator: bool


async def make_link(database: Database, person_id: UUID) -> str:
    """Return the token of a link that signs the person in once within an hour."""
    token = new_token()
    await store.forget_expired(database.pool)
    await store.insert_link(database.pool, hash_of(token), person_id, datetime.now(UTC) + LINK_LIFETIME)
    return token


async def check_link(database: Database, token: str) -> None:
    """Raise LinkExpired if the link is used, expired or unknown."""
    if await store.find_link(database.pool, hash_of(token)) is None:
        raise LinkExpired


async def sign_in(database: Database, token: str, browser: str) -> str:
    """Consume a link; return the token of the new session. Raises LinkExpired."""
    async with database.transaction() as connection:
        person_id = await store.use_link(connection, hash_of(token))
        if person_id is None:
            raise LinkExpired
    return await begin_session(database, person_id, browser)


async def begin_session(database: Database, person_id: UUID, browser: str) -> str:
    """Begin a session; return its token."""
    session = new_token()
    await store.insert_session(
        database.pool,
        uuid4(),
        hash_of(session),
        person_id,
        browser[:LONGEST_BROWSER],
        datetime.now(UTC) + SESSION_LIFETIME,
    )
    return session


async def person_of(database: Database, session: str) -> Person | None:
    """Return the person of a session's token, or None. Extends the session, at most once in SEEN_INTERVAL."""
    row = await store.session_of(database.pool, hash_of(session))
    if row is None:
        return None
    now = datetime.now(UTC)
    if now - row["seen_at"] > SEEN_INTERVAL:
        await store.see_session(database.pool, row["session_id"], now + SESSION_LIFETIME)
    return Person(
        row["person_id"],
        row["session_id"],
        row["name"],
        row["email"],
        row["language"],
        row["theme"],
        row["is_operator"],
    )


async def sign_out(database: Database, person: Person, *, everywhere: bool) -> None:
    """End the person's session, or all of them."""
    if everywhere:
        await store.end_sessions(database.pool, person.person_id)
    else:
        await store.end_session(database.pool, person.session_id, person.person_id)
