"""Record engagements that others report, once per account, source and id."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from services.labeling.domain.contacts import SELF, subscription_after
from services.labeling.domain.engagements import check_report
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.names import ContactName, name_in
from services.labeling.metrics import ENGAGEMENTS
from services.labeling.store.accounts import accounts_among
from services.labeling.store.contacts import erased_among
from services.labeling.store.directory import awaited_names, find_contacts
from services.labeling.store.engagements import (
    Identity,
    insert_engagements,
    insert_identities,
    source_numbers,
)
from services.labeling.use_cases.contact_changes import Changes, load_contacts, record_contacts
from shared.bus.received import Received
from shared.events.dedupe import dedupe_key
from shared.events.intake import EngagementReported
from shared.events.labeling import ContactEngaged
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.metrics import RECORDS_DROPPED
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding


class _Report(NamedTuple):
    received: Received
    event: EngagementReported
    name: ContactName


class _ContactReport(NamedTuple):
    report: _Report
    contact_id: int


async def record_engagements(work: UnitOfWork, batch: Sequence[Received], partitions: int) -> None:
    """Record the reports of a batch.

    Invalid ones are rejected, duplicates dropped, and those of unknown contacts held. Only then are the locks of the
    contacts' partition numbers taken, and the others written.
    """
    reports = await _usable(work, batch)
    new = await _without_duplicates(work, await _with_contacts(work, reports))
    if not new:
        return
    await work.lock({partition_of(report.event.account_id, contact_id, partitions) for report, contact_id in new})
    contacts = await load_contacts(work, {(report.event.account_id, contact_id) for report, contact_id in new})
    engagements = [
        (event, report) for report, contact_id in new if (event := _engage(contacts, report, contact_id)) is not None
    ]
    await record_contacts(work, contacts)
    async for event, report in yielding(engagements):
        work.append(event, cause=report.received)
    await insert_engagements(work.connection, [(event, report.event) for event, report in engagements])
    ENGAGEMENTS.labels("engaged").inc(len(engagements))


async def _usable(work: UnitOfWork, batch: Sequence[Received]) -> list[_Report]:
    accounts = await accounts_among(work.connection, {received.event.account_id for received in batch})
    reports = []
    for received in batch:
        event: EngagementReported = received.event
        if event.account_id not in accounts:
            work.reject(received, "there is no such account")
            ENGAGEMENTS.labels("rejected").inc()
            continue
        try:
            check_report(event, work.now)
            reports.append(_Report(received, event, name_in(event.account_id, event)))
        except InvalidError as error:
            work.reject(received, error.detail)
            ENGAGEMENTS.labels("rejected").inc()
    return reports


async def _with_contacts(work: UnitOfWork, reports: Sequence[_Report]) -> list[_ContactReport]:
    contact_ids = await find_contacts(work.connection, {report.name for report in reports})
    missing = {
        (report.name.account_id, int(report.name.key))
        for report in reports
        if report.name not in contact_ids and report.name.kind == "id"
    }
    erased = await erased_among(work.connection, missing)
    identified = []
    for report in reports:
        contact_id = contact_ids.get(report.name)
        if contact_id is not None:
            identified.append(_ContactReport(report, contact_id))
        elif report.name.kind == "id" and (report.name.account_id, int(report.name.key)) in erased:
            RECORDS_DROPPED.labels(EngagementReported.topic, "erased").inc()
        else:
            work.hold(report.received, "the contact is not known", waits_for=[report.name.waited_for])
            ENGAGEMENTS.labels("held").inc()
    return identified


async def _without_duplicates(work: UnitOfWork, reports: Sequence[_ContactReport]) -> list[_ContactReport]:
    if not reports:
        return []
    numbers = await source_numbers(work.connection, {report.received.source for report, _ in reports})
    first: dict[Identity, _ContactReport] = {}
    for contact_report in reports:
        report = contact_report.report
        identity = _identity(report.event.account_id, numbers[report.received.source], report.received.event_id)
        first.setdefault(identity, contact_report)
    new = await insert_identities(work.connection, first.keys())
    ENGAGEMENTS.labels("seen").inc(len(reports) - len(new))
    return [contact_report for identity, contact_report in first.items() if identity in new]


def _identity(account_id: int, source_no: int, event_id: str) -> Identity:
    key = dedupe_key(event_id).bytes
    try:
        UUID(event_id)
    except ValueError:
        return Identity(account_id, source_no, key, blake2b(event_id.encode(), digest_size=16).digest())
    return Identity(account_id, source_no, key)


def _engage(contacts: Changes, report: _Report, contact_id: int) -> ContactEngaged | None:
    """Return the event of a report after changing the contact's subscription if the report says so.

    Return None if the contact was erased.
    """
    event, key = report.event, (report.event.account_id, contact_id)
    contact = contacts.find(key)
    if contact is None:  # erased while this unit of work waited for the lock
        RECORDS_DROPPED.labels(EngagementReported.topic, "erased").inc()
        return None
    subscription = subscription_after(contact.subscription, event.kind, event.attributes)
    if subscription != contact.subscription:
        origin = Origin(kind="report" if subscription == "bounced" else SELF, ref=event.kind)
        patch = {"subscription": subscription}
        contacts.change(key, patch, event.occurred_at, origin, cause=report.received)
    return ContactEngaged(
        occurred_at=event.occurred_at,
        account_id=event.account_id,
        contact_id=contact_id,
        kind=event.kind,
        ref=event.ref,
        message_id=event.message_id,
        send=event.send,
        attributes=event.attributes,
        history=event.history,
    )


async def release_found(work: UnitOfWork, consumer: str) -> None:
    """Release the held reports of `consumer` whose contact exists now.

    The unit of work that creates a contact releases the records that wait for it, but it does not see a record that
    another open transaction is holding at that moment. So this is called every few seconds.
    """
    found = await find_contacts(work.connection, await awaited_names(work.connection, consumer))
    await work.release([name.waited_for for name in found])
