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


class _Known(NamedTuple):
    report: _Report
    contact_id: int


async def record_engagements(work: UnitOfWork, batch: Sequence[Received], partitions: int) -> None:
    """Record reports of any contacts: duplicates are dropped first, then the locks are taken, then all is written."""
    reports = await _usable(work, batch)
    new = await _first_reports(work, await _with_contacts(work, reports))
    if not new:
        return
    await work.lock({partition_of(one.report.event.account_id, one.contact_id, partitions) for one in new})
    contacts = await load_contacts(work, {(one.report.event.account_id, one.contact_id) for one in new})
    engaged = [(event, one) for one in new if (event := _engage(contacts, one)) is not None]
    await record_contacts(work, contacts)
    async for event, one in yielding(engaged):
        work.append(event, cause=one.report.received)
    await insert_engagements(work.connection, [(event, one.report.event) for event, one in engaged])
    ENGAGEMENTS.labels("engaged").inc(len(engaged))


async def _usable(work: UnitOfWork, batch: Sequence[Received]) -> list[_Report]:
    known = await accounts_among(work.connection, {received.event.account_id for received in batch})
    reports = []
    for received in batch:
        event: EngagementReported = received.event
        if event.account_id not in known:
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


async def _with_contacts(work: UnitOfWork, reports: Sequence[_Report]) -> list[_Known]:
    found = await find_contacts(work.connection, {report.name for report in reports})
    missing = {
        (report.name.account_id, int(report.name.key))
        for report in reports
        if report.name not in found and report.name.kind == "id"
    }
    erased = await erased_among(work.connection, missing)
    known = []
    for report in reports:
        contact_id = found.get(report.name)
        if contact_id is not None:
            known.append(_Known(report, contact_id))
        elif report.name.kind == "id" and (report.name.account_id, int(report.name.key)) in erased:
            RECORDS_DROPPED.labels(EngagementReported.topic, "erased").inc()
        else:
            work.hold(report.received, "the contact is not known", waits_for=[report.name.waited_for])
            ENGAGEMENTS.labels("held").inc()
    return known


async def _first_reports(work: UnitOfWork, known: Sequence[_Known]) -> list[_Known]:
    if not known:
        return []
    numbers = await source_numbers(work.connection, {one.report.received.source for one in known})
    first: dict[Identity, _Known] = {}
    for one in known:
        received = one.report.received
        identity = _identity(one.report.event.account_id, numbers[received.source], received.event_id)
        first.setdefault(identity, one)
    new = await insert_identities(work.connection, first.keys())
    ENGAGEMENTS.labels("seen").inc(len(known) - len(new))
    return [one for identity, one in first.items() if identity in new]


def _identity(account_id: int, source_no: int, event_id: str) -> Identity:
    key = dedupe_key(event_id).bytes
    try:
        UUID(event_id)
    except ValueError:
        return Identity(account_id, source_no, key, blake2b(event_id.encode(), digest_size=16).digest())
    return Identity(account_id, source_no, key)


def _engage(contacts: Changes, one: _Known) -> ContactEngaged | None:
    report, key = one.report.event, (one.report.event.account_id, one.contact_id)
    contact = contacts.find(key)
    if contact is None:  # erased while this unit waited for the lock
        RECORDS_DROPPED.labels(EngagementReported.topic, "erased").inc()
        return None
    subscription = subscription_after(contact.subscription, report.kind, report.attributes)
    if subscription != contact.subscription:
        origin = Origin(kind="report" if subscription == "bounced" else SELF, ref=report.kind)
        patch = {"subscription": subscription}
        contacts.change(key, patch, report.occurred_at, origin, cause=one.report.received)
    return ContactEngaged(
        occurred_at=report.occurred_at,
        account_id=report.account_id,
        contact_id=one.contact_id,
        kind=report.kind,
        ref=report.ref,
        message_id=report.message_id,
        send=report.send,
        attributes=report.attributes,
        history=report.history,
    )


async def release_found(work: UnitOfWork, consumer: str) -> None:
    """Release reports whose contact exists by now.

    Creating a contact releases the records that wait for it, but misses one that is being held in an open transaction
    at that moment. This is called every few seconds.
    """
    found = await find_contacts(work.connection, await awaited_names(work.connection, consumer))
    await work.release([name.waited_for for name in found])
