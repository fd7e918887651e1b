"""Creates, changes and deletes senders."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from services.tracking.domain.errors import DomainNotAllowed, LimitReached, SenderNotFound
from services.tracking.store.senders import (
    Sender,
    change_sender,
    count_senders,
    delete_sender,
    insert_sender,
    lock_sender,
    messages_of_sender,
)
from services.tracking.use_cases.service import Tracking
from shared.events.labeling import AccountChanged
from shared.uses import InUseError, Use

MOST_SENDERS = 1_000  # senders of an account


async def create_sender(tracking: Tracking, account_id: int, name: str, email: str, reply_to: str | None) -> Sender:
    """Write a new sender. Raises DomainNotAllowed, LimitReached."""
    _check_domain(tracking, account_id, email)
    now = datetime.now(UTC)
    async with tracking.database.pool.acquire() as connection, connection.transaction():
        if await count_senders(connection, account_id) >= MOST_SENDERS:
            raise LimitReached(f"The account has {MOST_SENDERS} senders; delete some that are no longer needed")
        return await insert_sender(connection, Sender(uuid7(), account_id, name, email, reply_to, now, now, 1))


async def edit_sender(
    tracking: Tracking, account_id: int, sender_id: UUID, change: Callable[[Sender], Sender]
) -> Sender:
    """Apply `change` to a sender; it may raise to refuse. Raises SenderNotFound, DomainNotAllowed."""
    async with tracking.database.pool.acquire() as connection, connection.transaction():
        before = await lock_sender(connection, account_id, sender_id)
        if before is None:
            raise SenderNotFound
        sender = replace(change(before), changed_at=datetime.now(UTC))
        if sender.email != before.email:
            _check_domain(tracking, account_id, sender.email)
        return await change_sender(connection, sender)


async def remove_sender(tracking: Tracking, account_id: int, sender_id: UUID, *, force: bool) -> None:
    """Delete a sender. Raises SenderNotFound, and InUseError if messages use it, unless forced."""
    async with tracking.database.pool.acquire() as connection, connection.transaction():
        if await lock_sender(connection, account_id, sender_id) is None:
            raise SenderNotFound
        uses = [
            Use("message", str(message_id), name)
            for message_id, name in await messages_of_sender(connection, account_id, sender_id)
        ]
        if uses and not force:
            raise InUseError("sender", uses)
        await delete_sender(connection, account_id, sender_id)


def _check_domain(tracking: Tracking, account_id: int, email: str) -> None:
    """Check that the account may send from the domain. Any domain is allowed until the operator has granted one."""
    account = tracking.catalog.find(AccountChanged, account_id)
    domain = email.rpartition("@")[2].lower()
    allowed = () if account is None else account.sender_domains
    if allowed and not any(domain == one.lower() or domain.endswith(f".{one.lower()}") for one in allowed):
        raise DomainNotAllowed(domain)
