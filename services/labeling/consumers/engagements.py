"""Reports of what contacts did become engagements, once per account, source and id (topic intake.engagements)."""

from collections.abc import Sequence
from typing import NamedTuple

from services.labeling.domain.contacts import subscription_after
from services.labeling.domain.engagements import check_report
from services.labeling.domain.names import ContactName, named_by, read_name
from services.labeling.domain.problems import InvalidError
from services.labeling.metrics import ENGAGEMENTS
from services.labeling.store import QUERIES
from services.labeling.store.contacts import ContactBook, erased_among
from services.labeling.store.engagements import (
    Identity,
    identity_key,
    keep_engagements,
    not_seen,
    source_numbers,
)
from services.labeling.store.names import find_contacts
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.intake import EngagementReported
from shared.events.labeling import ContactEngaged
from shared.events.topics import partition_of
from shared.metrics import RECORDS_DROPPED
from shared.store.unit_of_work import UnitOfWork


class _Report(NamedTuple):
    received: Received
    event: EngagementReported
    name: ContactName


class _Known(NamedTuple):
    report: _Report
    contact_id: int


class EngagementHandler(Handler):
    """Finds the contacts, drops what was reported before, then writes per contact.

    `partitions` is the number of partitions of every contact topic.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Applies reports of any contacts: verdicts and doubles first, then the locks, then the effect."""
        reports = await _usable(work, batch)
        fresh = await _first_reports(work, await _with_contacts(work, reports))
        if not fresh:
            return
        await work.lock({partition_of(one.report.event.account_id, one.contact_id, self._partitions) for one in fresh})
        book = await ContactBook.open(work, {(one.report.event.account_id, one.contact_id) for one in fresh})
        kept = []
        for one in fresh:
            event = _engage(work, book, one)
            if event is not None:
                kept.append((event, one.report.event))
        await book.write()
        await keep_engagements(work.connection, kept)
        ENGAGEMENTS.labels("engaged").inc(len(kept))


async def _usable(work: UnitOfWork, batch: Sequence[Received]) -> list[_Report]:
    accounts = {received.event.account_id for received in batch}
    known = {row["account_id"] for row in await work.connection.fetch(QUERIES["accounts_among"], list(accounts))}
    reports = []
    for received in batch:
        event: EngagementReported = received.event
        if event.account_id not in known:
            work.reject(received, "there is no such account")
            ENGAGEMENTS.labels("rejected").inc()
            continue
        try:
            check_report(event, work.now)
            reports.append(_Report(received, event, named_by(event.account_id, event)))
        except InvalidError as problem:
            work.reject(received, problem.detail)
            ENGAGEMENTS.labels("rejected").inc()
    return reports


async def _with_contacts(work: UnitOfWork, reports: Sequence[_Report]) -> list[_Known]:
    found = await find_contacts(work.connection, {report.name for report in reports})
    missing = {
        (report.name.account_id, int(report.name.key))
        for report in reports
        if report.name not in found and report.name.kind == "id"
    }
    gone = await erased_among(work.connection, missing)
    known = []
    for report in reports:
        contact_id = found.get(report.name)
        if contact_id is not None:
            known.append(_Known(report, contact_id))
        elif report.name.kind == "id" and (report.name.account_id, int(report.name.key)) in gone:
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
        identity = (one.report.event.account_id, numbers[received.source], identity_key(received.event_id))
        first.setdefault(identity, one)
    fresh = await not_seen(work.connection, first.keys())
    ENGAGEMENTS.labels("seen").inc(len(known) - len(fresh))
    return [one for identity, one in first.items() if identity in fresh]


def _engage(work: UnitOfWork, book: ContactBook, one: _Known) -> ContactEngaged | None:
    report, key = one.report.event, (one.report.event.account_id, one.contact_id)
    contact = book.find(key)
    if contact is None:  # erased while we waited for the lock
        RECORDS_DROPPED.labels(EngagementReported.topic, "erased").inc()
        return None
    event = ContactEngaged(
        occurred_at=report.occurred_at,
        account_id=report.account_id,
        contact_id=one.contact_id,
        kind=report.kind,
        ref=report.ref,
        message_id=report.message_id,
        send=report.send,
        attributes=report.attributes,
    )
    work.append(event, cause=one.report.received)
    subscription = subscription_after(contact.subscription, report.kind, report.attributes)
    if subscription != contact.subscription:
        book.change(key, {"subscription": subscription}, one.report.received)
    return event


async def release_found(work: UnitOfWork, consumer: str) -> None:
    """Lets go of reports whose contact exists by now.

    A contact that is created while the report about it is being held is missed by the creation's own release; this is
    called every few seconds.
    """
    rows = await work.connection.fetch(QUERIES["waiting_names"], consumer)
    found = await find_contacts(work.connection, {read_name(row["name"]) for row in rows})
    await work.release([name.waited_for for name in found])
