"""Sends test mails to any address, rendered for any contact."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.delivery.store.mails import Request, insert_requests
from shared.events.codec import rfc3339
from shared.store.database import Database


async def request_test_mails(
    database: Database,
    account_id: int,
    message_id: UUID,
    addresses: Sequence[str],
    contact_id: int | None,
    content: dict[str, str],
) -> UUID:
    """Queue a mail to each address, rendered as for `contact_id`; return the id of the send."""
    send_id, now = uuid4(), datetime.now(UTC)
    send = {"kind": "test", "id": str(send_id), "sent_at": rfc3339(now)}
    requests = [
        Request(
            account_id=account_id,
            idempotency_key=f"test:{send_id}:{number}",
            contact_id=contact_id,
            test_address=address,
            message_id=message_id,
            system=None,
            send=send,
            campaign_id=None,
            revision=None,
            content=content,
            expires_at=None,
        )
        for number, address in enumerate(dict.fromkeys(addresses))
    ]
    await insert_requests(database.pool, requests, now)
    return send_id
