"""Prepares mails: tracking renders messages; Penchant's own mails are composed here."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from services.delivery.clients.tracking import MOST_RECIPIENTS, NotRendered, Rendered, TrackingClient
from services.delivery.domain.composing import Content, Sender, compose
from services.delivery.domain.system_mails import Brand, system_content
from services.delivery.store.contacts import StoredContact, contacts_of_ids
from services.delivery.store.mails import Mail
from shared.bus.catalog import Catalog
from shared.events.labeling import AccountChanged
from shared.store.database import Database

NO_CONTACT_ID = 2**32 - 1  # the highest possible id; for links of test mails that are rendered without a contact


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared mail, or why it can never be prepared (`refusal`), or why it must be retried (`retry_reason`)."""

    mail: Mail
    composed: bytes | None = None
    sender: str = ""
    recipient: str = ""
    refusal: str | None = None
    retry_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Preparing:
    """Prepares claimed mails, those of the same message and send together."""

    database: Database
    catalog: Catalog
    tracking: TrackingClient
    default_sender: Sender
    preferences_url: str

    async def prepare(self, mails: Sequence[Mail]) -> AsyncIterator[Prepared]:
        """Yield each of `mails` once it is prepared, or has failed."""
        groups: dict[tuple[int, UUID | None, int | None, str], list[Mail]] = defaultdict(list)
        for mail in mails:
            request = mail.request
            groups[request.account_id, request.message_id, request.revision, str(request.send)].append(mail)
        for (account_id, message_id, _, _), group in groups.items():
            contact_ids = [mail.request.contact_id for mail in group if mail.request.contact_id is not None]
            contacts = await contacts_of_ids(self.database.pool, account_id, contact_ids)
            for start in range(0, len(group), MOST_RECIPIENTS):
                chunk = group[start : start + MOST_RECIPIENTS]
                results = self._system_mails(chunk, contacts) if message_id is None else self._messages(chunk, contacts)
                async for prepared in results:
                    yield prepared

    async def _system_mails(self, group: Sequence[Mail], contacts: dict[int, StoredContact]) -> AsyncIterator[Prepared]:
        for mail in group:
            yield await self._system_mail(mail, contacts.get(mail.request.contact_id or 0))

    async def _system_mail(self, mail: Mail, contact: StoredContact | None) -> Prepared:
        if contact is None or contact.email is None or mail.request.system is None:
            return Prepared(mail)
        account = self.catalog.find(AccountChanged, mail.request.account_id)
        brand = _brand_of(account)
        languages = ((contact.language,) if contact.language else ()) + (account.languages if account else ())
        content = system_content(mail.request.system["kind"], mail.request.system["url"], brand, languages)
        sender = Sender(brand.name, self.default_sender.email)
        return await self._compose(mail, contact.email, sender, content, None)

    async def _messages(self, group: Sequence[Mail], contacts: dict[int, StoredContact]) -> AsyncIterator[Prepared]:
        recipients = [_recipient(mail, contacts.get(mail.request.contact_id or 0)) for mail in group]
        first = group[0].request
        assert first.message_id is not None
        try:
            rendered = await self.tracking.render(
                first.account_id, first.message_id, first.revision, first.send, recipients
            )
        except NotRendered as error:
            for mail in group:
                yield Prepared(mail, refusal=f"not rendered: {error}")
            return
        except httpx.HTTPError as error:
            for mail in group:
                yield Prepared(mail, retry_reason=f"tracking: {type(error).__name__}")
            return
        for mail, rendered_mail in zip(group, rendered, strict=True):
            yield await self._message(mail, contacts.get(mail.request.contact_id or 0), rendered_mail)

    async def _message(self, mail: Mail, contact: StoredContact | None, rendered: Rendered | None) -> Prepared:
        address = mail.request.test_address or (contact.email if contact is not None else None)
        if rendered is None:
            return Prepared(mail, refusal="not rendered: the content names a variant that the message does not have")
        if address is None:
            return Prepared(mail)
        sender = self.default_sender
        if rendered.sender is not None:
            sender = Sender(rendered.sender["name"], rendered.sender["email"], rendered.reply_to)
        content = Content(rendered.subject, rendered.text, rendered.html)
        return await self._compose(mail, address, sender, content, f"{self.preferences_url}/u/{rendered.token}")

    async def _compose(
        self, mail: Mail, address: str, sender: Sender, content: Content, unsubscribe_url: str | None
    ) -> Prepared:
        def compose_bytes() -> bytes:
            key = f"{mail.request.account_id}:{mail.request.idempotency_key}"
            now = datetime.now(UTC)
            return bytes(
                compose(address, sender, content, idempotency_key=key, now=now, unsubscribe_url=unsubscribe_url)
            )

        try:
            # In a thread: encoding a large mail would block the event loop for too long.
            composed = await asyncio.to_thread(compose_bytes)
        except (ValueError, IndexError) as error:  # the address parser raises both
            return Prepared(mail, refusal=f"not composed: {type(error).__name__}")
        return Prepared(mail, composed, sender.email, address)


def _brand_of(account: AccountChanged | None) -> Brand:
    if account is None:
        return Brand("")
    brand = account.brand
    if brand is None:
        return Brand(account.account_name)
    return Brand(brand.name or account.account_name, brand.logo_url, brand.colour, brand.postal_address)


def _recipient(mail: Mail, contact: StoredContact | None) -> dict[str, Any]:
    request = mail.request
    recipient: dict[str, Any] = {"contact_id": request.contact_id or NO_CONTACT_ID, "content": request.content}
    if contact is not None:
        recipient["fields"] = {
            key: value for key, value in contact.fields.items() if isinstance(value, str | int | float | bool)
        }
        if contact.email is not None:
            recipient["email"] = contact.email
    elif request.test_address is not None:
        recipient["email"] = request.test_address
    return recipient
