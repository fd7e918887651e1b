"""Claims of idempotency keys, each held by at most one request at a time, and the first answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import orjson
from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)


class ClaimLost(Exception):
    """Another request with the same key has taken over the claim; this one must no longer have an effect."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A request with a key; `fingerprint` identifies its contents."""

    account_id: int
    path: str
    key: str
    fingerprint: bytes
    claim: UUID

    async def take(self, database: Executor) -> bool:
        """Try to take the key; return whether this claim holds it now."""
        taken = await QUERIES["claim_answer"].fetchval(database, **self._row, fingerprint=self.fingerprint)
        return taken is not None

    async def mark_effect(self, connection: PoolConnectionProxy) -> None:
        """Mark the claim, in the transaction of the effect, so that the request is never carried out again.

        Raises ClaimLost, which rolls the effect back.
        """
        if not await QUERIES["mark_effect"].execute(connection, **self._row):
            raise ClaimLost

    async def keep(
        self,
        database: Executor,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        contact_ids: Sequence[int] | None,
    ) -> None:
        """Store the answer for a day. `contact_ids` are the contacts that it is about; None if unknown."""
        await QUERIES["keep_answer"].execute(
            database,
            **self._row,
            status=status,
            headers=orjson.dumps(headers).decode(),
            body=body,
            contact_ids=None if contact_ids is None else list(contact_ids),
        )

    async def keep_without_body(self, database: Executor, status: int) -> None:
        """Store that the request was answered, without the answer, which contains a secret."""
        await QUERIES["keep_without_body"].execute(database, **self._row, status=status)

    async def release(self, database: Executor) -> None:
        """Release the key, unless the request took effect."""
        await QUERIES["release_claim"].execute(database, **self._row)

    async def first_answer(self, database: Executor) -> "FirstAnswer | None":
        """Return the stored first request with the key; None if there is none."""
        row = await QUERIES["find_answer"].fetchrow(database, account_id=self.account_id, path=self.path, key=self.key)
        if row is None:
            return None
        return FirstAnswer(
            same_request=row["fingerprint"] == self.fingerprint,
            lost=row["status"] is None and row["took_effect"] and row["is_abandoned"],
            status=row["status"],
            headers=orjson.loads(row["headers"] or "{}"),
            body=row["body"] or b"",
            blanked=row["blanked"],
        )

    @property
    def _row(self) -> dict[str, object]:
        return {"account_id": self.account_id, "path": self.path, "key": self.key, "claim": self.claim}


class FirstAnswer(NamedTuple):
    """The first request with a key; `status` is None until its answer is stored.

    `lost`: it took effect, but its answer will never be stored.
    """

    same_request: bool
    lost: bool
    status: int | None
    headers: dict[str, str]
    body: bytes
    blanked: bool


async def forget_old_answers(database: Executor) -> None:
    """Delete claims and answers that are older than a day."""
    await QUERIES["forget_answers"].execute(database)


async def blank_answers(connection: PoolConnectionProxy, account_id: int, contact_ids: Sequence[int]) -> None:
    """Blank the stored answers that mention, or may mention, these contacts; part of an erasure.

    A repeated request is still not carried out again: it gets an error that the answer is not stored.
    """
    await QUERIES["blank_answers"].execute(connection, account_id=account_id, contact_ids=list(contact_ids))
