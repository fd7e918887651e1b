"""The table of mails, from the request of a mail to its outcome."""

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
    """Queue mails; requests whose idempotency key is known are skipped."""
    if not requests:
        return
    await QUERIES["insert_mails"].execute(
        connection,
        account_ids=[request.account_id for request in requests],
        idempotency_keys=[request.idempotency_key for request in requests],
        contact_ids=[request.contact_id for request in requests],
        test_addresses=[request.test_address for request in requests],
        message_ids=[request.message_id for request in requests],
        systems=[None if request.system is None else json.dumps(request.system) for request in requests],
        sends=[json.dumps(request.send) for request in requests],
        campaign_ids=[request.campaign_id for request in requests],
        revisions=[request.revision for request in requests],
        contents=[json.dumps(request.content) for request in requests],
        expiries=[request.expires_at for request in requests],
        request_times=[now] * len(requests),
    )


async def claim_mails(connection: Executor, claim: UUID, lease: timedelta, limit: int) -> list[Mail]:
    """Claim up to `limit` mails that are due, for the time `lease`."""
    rows = await QUERIES["claim_mails"].fetch(connection, claim=claim, lease=lease, limit=limit)
    return [_mail(row, claim) for row in rows]


async def begin_mail(connection: Executor, mail: Mail, lease: timedelta) -> tuple[Recipient | None] | None:
    """Record that a mail is about to be handed over, and return its present recipient.

    Returns None if another process has claimed the mail, and `(None,)` if the contact is unknown.
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
    """End, as uncertain, the mails that a process was handing over when it ended; return their number.

    With `repeat`, they are queued again instead.
    """
    return await QUERIES["repeat_uncertain" if repeat else "end_uncertain"].execute(connection)


async def not_reported(connection: Executor, limit: int) -> list[Record]:
    """Return ended mails that were not reported, oldest first."""
    return await QUERIES["not_reported"].fetch(connection, limit=limit)


async def note_reported(connection: Executor, ids: Collection[int]) -> None:
    """Record that mails were reported."""
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
