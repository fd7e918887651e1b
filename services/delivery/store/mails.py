"""Mails, from their request to their end."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.delivery.domain.outcomes import Ending
from services.delivery.domain.permission import Recipient
from services.delivery.store.contacts import ContactKey
from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)


@dataclass(frozen=True, slots=True)
class Request:
    """A requested mail: to a contact, or to a `test_address`; a message, or one of Penchant's own mails (`system`)."""

    account_id: int
    idempotency_key: str
    contact_id: int | None
    test_address: str | None
    message_id: UUID | None
    system: dict[str, str] | None
    send: dict[str, str]
    campaign_id: UUID | None
    revision: int | None
    content: dict[str, str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Mail:
    """A claimed mail."""

    id: int
    claim: UUID
    attempts: int
    request: Request


async def insert_requests(connection: Executor, requests: Sequence[Request], now: datetime) -> None:
    """Queue mails; known requests are skipped."""
    if not requests:
        return
    await QUERIES["insert_mails"].execute(
        connection,
        account_ids=[one.account_id for one in requests],
        idempotency_keys=[one.idempotency_key for one in requests],
        contact_ids=[one.contact_id for one in requests],
        test_addresses=[one.test_address for one in requests],
        message_ids=[one.message_id for one in requests],
        systems=[None if one.system is None else json.dumps(one.system) for one in requests],
        sends=[json.dumps(one.send) for one in requests],
        campaign_ids=[one.campaign_id for one in requests],
        revisions=[one.revision for one in requests],
        contents=[json.dumps(one.content) for one in requests],
        expiries=[one.expires_at for one in requests],
        request_times=[now] * len(requests),
    )


async def claim_mails(connection: Executor, claim: UUID, lease: timedelta, limit: int) -> list[Mail]:
    """Claim up to `limit` mails that are due, for the time `lease`."""
    rows = await QUERIES["claim_mails"].fetch(connection, claim=claim, lease=lease, limit=limit)
    return [_mail(row, claim) for row in rows]


async def begin_mail(connection: Executor, mail: Mail, lease: timedelta) -> tuple[Recipient | None] | None:
    """Note that a mail is about to be handed over, and return its present recipient.

    Returns None if another process has claimed the mail; a tuple of None if the contact is unknown.
    """
    row = await QUERIES["begin_mail"].fetchrow(
        connection,
        id=mail.id,
        claim=mail.claim,
        lease=lease,
        account_id=mail.request.account_id,
        contact_id=mail.request.contact_id,
    )
    if row is None:
        return None
    return (None if row["subscription"] is None else Recipient(row["email"], row["subscription"]),)


async def end_mail(connection: Executor, mail: Mail, state: Ending, reason: str | None = None) -> None:
    """Store the outcome of a mail."""
    await QUERIES["end_mail"].execute(connection, id=mail.id, claim=mail.claim, state=state, reason=reason)


async def retry_mail(connection: Executor, mail: Mail, at: datetime, reason: str) -> None:
    """Queue a mail again, not before `at`."""
    await QUERIES["retry_mail"].execute(connection, id=mail.id, claim=mail.claim, at=at, reason=reason)


async def end_interrupted(connection: Executor, *, repeat: bool) -> int:
    """End mails that a process was handing over when it ended, as uncertain (with `repeat`: queue them again); return
    their number."""
    return await QUERIES["repeat_uncertain" if repeat else "end_uncertain"].execute(connection)


async def not_reported(connection: Executor, limit: int) -> list[Record]:
    """Return ended mails that were not reported, oldest first."""
    return await QUERIES["not_reported"].fetch(connection, limit=limit)


async def note_reported(connection: Executor, ids: Collection[int]) -> None:
    """Note that mails were reported."""
    await QUERIES["note_reported"].execute(connection, ids=list(ids))


async def forget_contacts(connection: PoolConnectionProxy, keys: Collection[ContactKey]) -> None:
    """Remove personal data of erased contacts from mails; queued mails are skipped at their turn."""
    if keys:
        await QUERIES["forget_contacts"].execute(
            connection, account_ids=[account for account, _ in keys], contact_ids=[contact for _, contact in keys]
        )


async def forget_old(connection: Executor, kept: timedelta, limit: int) -> int:
    """Delete up to `limit` reported mails that ended more than `kept` ago; return their number."""
    return await QUERIES["forget_old"].execute(connection, kept=kept, limit=limit)


def _mail(row: Record, claim: UUID) -> Mail:
    system: Any = row["system"]
    request = Request(
        account_id=row["account_id"],
        idempotency_key=row["idempotency_key"],
        contact_id=row["contact_id"],
        test_address=row["test_address"],
        message_id=row["message_id"],
        system=None if system is None else json.loads(system),
        send=json.loads(row["send"]),
        campaign_id=row["campaign_id"],
        revision=row["revision"],
        content=json.loads(row["content"]),
        expires_at=row["expires_at"],
    )
    return Mail(row["id"], claim, row["attempts"], request)
