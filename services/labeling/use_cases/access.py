"""Mails a contact the link to its own data, and erases a contact at its own request."""

from datetime import datetime, timedelta
from uuid import UUID

from services.labeling.domain.contacts import keys_of
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.contacts import contact_of_id
from services.labeling.store.directory import lock_entries
from services.labeling.use_cases.erasure import erase_in
from services.labeling.use_cases.suppressions import suppress_in
from shared.events.messages import Cause, SystemMessage, SystemMessageRequested
from shared.events.parts import Origin, Send
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.tokens import Purpose, TokenContents, TokenKeys

VALID_FOR = timedelta(minutes=30)


async def request_access(
    database: Database, tokens: TokenKeys, base_url: str, account_id: int, contact_id: int
) -> None:
    """Request a mail with a link that opens the contact's own data for 30 minutes. Raises NotFoundError."""
    async with database.unit_of_work(partition_of(account_id, contact_id, database.partitions)) as work:
        if await contact_of_id(work.connection, account_id, contact_id) is None:
            raise NotFoundError("contact")
        send = Send(kind="other", id="access", sent_at=work.now)
        token = tokens.make(TokenContents(account_id, contact_id, UUID(int=0), send), Purpose.ACCESS)
        work.append(
            SystemMessageRequested(
                occurred_at=work.now,
                account_id=account_id,
                contact_id=contact_id,
                send=send,
                cause=Cause(kind="preferences"),
                # Repeated requests within a minute are mailed once.
                idempotency_key=f"access:{account_id}:{contact_id}:{work.now:%Y%m%d%H%M}",
                expires_at=work.now + VALID_FOR,
                system=SystemMessage(kind="preference_access", url=f"{base_url}/p/{token}/data"),
            )
        )


def is_current(recipient: TokenContents, now: datetime) -> bool:
    """Return whether an access token is still valid at `now`."""
    return recipient.send is not None and now - recipient.send.sent_at <= VALID_FOR


async def forget(
    database: Database, keys: SuppressionKeys, account_id: int, contact_id: int, *, suppress: bool
) -> bool:
    """Erase a contact at its own request, and suppress its address if requested.

    Return False if the contact was erased already.
    """
    async with database.unit_of_work(partition_of(account_id, contact_id, database.partitions)) as work:
        stored = await contact_of_id(work.connection, account_id, contact_id)
        if stored is None:
            return False
        email_key = stored.contact.email_key
        if suppress and email_key is not None:
            await lock_entries(work.connection, account_id, keys_of(stored.contact))
            origin = Origin(kind="self", ref="forget")
            await suppress_in(work, keys, account_id, contact_id, email_key, "asked to be forgotten", origin)
        return await erase_in(work, account_id, contact_id)
