"""Accepts submitted forms, mails links to confirm them, and applies confirmed ones."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from services.labeling.domain.addresses import email_address
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.forms import CONFIRM_WITHIN, Form, Submission
from services.labeling.domain.names import ContactName
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store import forms
from services.labeling.store.contacts import contact_of_id
from services.labeling.store.directory import find_contacts
from services.labeling.use_cases.choices import Choice, apply_choice_in, record_engagement
from services.labeling.use_cases.upserts import UpsertRow, upsert_contacts
from shared.events.labeling import ContactEngaged, Scalar
from shared.events.messages import Cause, SystemMessage, SystemMessageRequested
from shared.events.parts import Origin, Send
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork
from shared.tokens import Purpose, TokenContents, TokenKeys

Outcome = Literal["confirmation_mailed", "subscribed"]


class FilledForm(NamedTuple):
    """The contents of a submitted form. `wording` is the text of the ticked consent."""

    email: str
    fields: Mapping[str, Scalar]
    label_ids: Collection[UUID]
    wording: str
    language: str


class LinkMailing(NamedTuple):
    """What is needed to mail a link for confirmation."""

    tokens: TokenKeys
    suppression: SuppressionKeys
    forms_url: str


async def submit(database: Database, mailing: LinkMailing, form: Form, filled: FilledForm) -> Outcome:
    """Accept a submitted form. With double opt-in, until the confirmation only an unconfirmed contact is written.

    Raises InvalidError for an invalid address, NotFoundError if the contact is erased at the same time.
    """
    account_id = form.account_id
    contact_id = await _find_or_create_contact(database, mailing.suppression, form, filled)
    async with database.unit_of_work(partition_of(account_id, contact_id, database.partitions)) as work:
        stored = await contact_of_id(work.connection, account_id, contact_id)
        if stored is None:
            raise NotFoundError("contact")
        submission = Submission(
            uuid7(), account_id, contact_id, form.id, tuple(filled.label_ids), filled.fields,
            filled.wording, filled.language, work.now, None,
        )  # fmt: skip
        await forms.insert_submission(work.connection, submission)
        if not form.definition.double_opt_in:
            await _apply(work, mailing.suppression, submission)
            return "subscribed"
        # A suppressed address gets no mail. The outcome is the same, so that the page does not reveal the suppression.
        if stored.contact.subscription != "blocked":
            work.append(_confirmation(mailing, submission, work.now))
    return "confirmation_mailed"


async def _find_or_create_contact(database: Database, keys: SuppressionKeys, form: Form, filled: FilledForm) -> int:
    name = ContactName(form.account_id, "email", email_address(filled.email).key)
    for _ in range(2):  # if another request creates the contact in between, it is found the second time
        async with database.pool.acquire() as connection:
            contact_id = (await find_contacts(connection, [name])).get(name)
        if contact_id is not None:
            return contact_id
        patch = {
            "email": filled.email,
            "subscription": "unconfirmed",
            "language": filled.language,
            "source": f"form: {form.definition.name}"[:100],
        }
        origin = Origin(kind="form", ref=str(form.id))
        result = await upsert_contacts(database, form.account_id, [UpsertRow("create", patch)], origin, keys)
        if result.contact_ids[0] is not None:
            return result.contact_ids[0]
    raise NotFoundError("contact")


def _confirmation(mailing: LinkMailing, submission: Submission, now: datetime) -> SystemMessageRequested:
    send = Send(kind="other", id="confirm", sent_at=now)
    recipient = TokenContents(submission.account_id, submission.contact_id, submission.id, send)
    token = mailing.tokens.make(recipient, Purpose.CONFIRMATION)
    return SystemMessageRequested(
        occurred_at=now,
        account_id=submission.account_id,
        contact_id=submission.contact_id,
        send=send,
        cause=Cause(kind="form", form_id=submission.form_id),
        # A form that is submitted again within a minute is mailed once.
        idempotency_key=f"confirm:{submission.form_id}:{submission.contact_id}:{now:%Y%m%d%H%M}",
        expires_at=now + CONFIRM_WITHIN,
        system=SystemMessage(kind="confirm_subscription", url=f"{mailing.forms_url}/f/confirm/{token}"),
    )


async def confirm(database: Database, keys: SuppressionKeys, recipient: TokenContents) -> bool:
    """Apply the submission of a confirmation token; return False if it has expired. Confirming again changes nothing.

    Raises NotFoundError if the contact was erased.
    """
    partition = partition_of(recipient.account_id, recipient.contact_id, database.partitions)
    async with database.unit_of_work(partition) as work:
        submission = await forms.submission_of_id(work.connection, recipient.message_id)
        if submission is None:
            raise NotFoundError("contact")
        if submission.confirmed_at is None and work.now - submission.created_at > CONFIRM_WITHIN:
            return False
        if await forms.confirm_submission(work.connection, submission.id, work.now):
            await _apply(work, keys, submission)
    return True


async def _apply(work: UnitOfWork, keys: SuppressionKeys, submission: Submission) -> None:
    patch: dict[str, Any] = {"language": submission.language}
    if submission.fields:
        patch["fields"] = dict(submission.fields)
    choice = Choice(
        chosen=submission.label_ids,
        subscribed=True,
        wording=submission.wording,
        ref=f"form:{submission.form_id}",
        patch=patch,
    )
    await apply_choice_in(work, keys, submission.account_id, submission.contact_id, choice)
    event = ContactEngaged(
        occurred_at=work.now,
        account_id=submission.account_id,
        contact_id=submission.contact_id,
        kind="form.submitted",
        ref=str(submission.form_id),
        attributes={},
    )
    await record_engagement(work, event)
