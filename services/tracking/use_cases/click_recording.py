"""Writes usable clicks: deduplicates, stores, counts and publishes them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import Counter as Metric
from uuid_utils.compat import uuid7

from services.tracking.domain.intake import ClickedLink, Message, evidence, seconds_between
from services.tracking.domain.networks import network_hash
from services.tracking.domain.revisions import LinkLabel
from services.tracking.domain.verdicts import RULES, judge
from services.tracking.store.clicks import (
    ClickRow,
    SeenKey,
    SendKey,
    count_clicks,
    headers_as_json,
    insert_seen,
    read_network_key,
    remove_clicks,
    settle_sends,
    settle_sources,
    write_clicks,
)
from services.tracking.store.contacts import ContactKey, contact_news, contacts_that_matter
from services.tracking.use_cases.contact_references import drop_reason
from services.tracking.use_cases.memory import count_dropped, remember
from shared.bus.catalog import Catalog
from shared.bus.received import Received
from shared.events.dedupe import dedupe_key
from shared.events.intake import ClickReported
from shared.events.labeling import LabelChanged
from shared.events.parts import LabelReference
from shared.events.topics import partition_of
from shared.events.tracking import ContactClicked
from shared.metrics import REGISTRY
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

CLICKS = Metric("penchant_clicks", "Clicks recorded, by verdict.", ("verdict",), registry=REGISTRY)


class UsableReport(NamedTuple):
    """A report whose contact, message and link exist."""

    received: Received
    contact_id: int
    message: Message
    clicked_link: ClickedLink

    @property
    def contact(self) -> tuple[int, int]:
        return self.message.account_id, self.contact_id


class Recorder:
    """Records thousands of clicks with a few statements, in a unit of work."""

    def __init__(self, catalog: Catalog, partitions: int) -> None:
        self._catalog = catalog
        self._partitions = partitions
        self._sources: dict[str, int] = {}
        self._sends: dict[SendKey, int] = {}
        self._network_key: bytes | None = None

    async def record(
        self,
        work: UnitOfWork,
        usable: Sequence[UsableReport],
        contact_batches: Mapping[int, int],
        consent_required: Collection[int] = (),
    ) -> None:
        """Write those of `usable` that are new.

        `contact_batches` is the result of `contact_news` before the contacts were read.

        In the accounts `consent_required`, clicks of contacts whose consent is unknown are dropped.
        """
        clicks = await self._without_repeated(work, usable)
        network_key = await self._cached_network_key(work)
        sends = await self._sends_of(work, clicks)
        recorded = await self._rows_and_events(clicks, sends, network_key)
        # Do slow work before taking the locks, which every other batch waits for.
        await write_clicks(work.connection, [row for _, row, _ in recorded])
        contacts = {click.contact for click in clicks}
        await work.lock({partition_of(*contact, self._partitions) for contact in contacts})
        # Contacts may have been erased, or have denied consent, before the locks were acquired.
        changed = contact_batches != await contact_news(work.connection)
        if changed and (dropped := await self._dropped_contacts(work, contacts, consent_required)):
            await remove_clicks(work.connection, [row for click, row, _ in recorded if click.contact in dropped])
            count_dropped(work, Counter(dropped[click.contact] for click, _, _ in recorded if click.contact in dropped))
            recorded = [one for one in recorded if one[0].contact not in dropped]
        await count_clicks(work.connection, [row for _, row, _ in recorded])
        async for click, _, event in yielding(recorded):
            work.append(event, cause=click.received)
        verdicts = Counter(row.verdict for _, row, _ in recorded)
        work.after_commit(lambda: _count_verdicts(verdicts))

    async def _cached_network_key(self, work: UnitOfWork) -> bytes:
        if self._network_key is None:
            self._network_key = await read_network_key(work.connection)
        return self._network_key

    async def _dropped_contacts(
        self, work: UnitOfWork, contacts: Collection[ContactKey], consent_required: Collection[int]
    ) -> dict[ContactKey, str]:
        statuses = await contacts_that_matter(work.connection, contacts, consent_required)
        return {
            contact: drop_reason(status)
            for contact, status in statuses.items()
            if status.state == "erased" or not status.tracked
        }

    async def _rows_and_events(
        self, clicks: Sequence[UsableReport], sends: Mapping[SendKey, int], network_key: bytes
    ) -> list[tuple[UsableReport, ClickRow, ContactClicked]]:
        results: list[tuple[UsableReport, ClickRow, ContactClicked]] = []
        references: dict[tuple[LinkLabel, ...], tuple[LabelReference, ...]] = {}
        async for click in yielding(clicks):
            labels = references.get(click.clicked_link.labels)
            if labels is None:
                labels = references[click.clicked_link.labels] = self._current_labels(click.clicked_link.labels)
            results.append((click, *_row_and_event(click, labels, sends, network_key)))
        return results

    async def _without_repeated(self, work: UnitOfWork, usable: Sequence[UsableReport]) -> list[UsableReport]:
        """Return the reports that do not repeat an earlier click."""
        sources = {click.received.source for click in usable}
        numbers = {source: self._sources[source] for source in sources if source in self._sources}
        if unknown := sources - numbers.keys():
            settled = await settle_sources(work.connection, unknown)
            numbers |= settled
            work.after_commit(lambda: remember(self._sources, settled))
        indexes = await insert_seen(
            work.connection,
            [
                SeenKey(click.message.account_id, numbers[click.received.source], dedupe_key(click.received.event_id))
                for click in usable
            ],
        )
        if len(indexes) == len(usable):
            return list(usable)
        return [usable[index] for index in indexes]

    async def _sends_of(self, work: UnitOfWork, clicks: Sequence[UsableReport]) -> Mapping[SendKey, int]:
        sends = {
            SendKey(click.message.message_no, send.kind, send.id): (click.message.account_id, send.sent_at)
            for click in clicks
            if (send := click.received.event.send) is not None
        }
        numbers = {key: self._sends[key] for key in sends if key in self._sends}
        if unknown := {key: account_and_time for key, account_and_time in sends.items() if key not in numbers}:
            settled = await settle_sends(work.connection, unknown)
            numbers |= settled
            work.after_commit(lambda: remember(self._sends, settled))
        return numbers

    def _current_labels(self, labels: Sequence[LinkLabel]) -> tuple[LabelReference, ...]:
        """Return the labels with their current names, without deleted labels."""
        names = {}
        for label in labels:
            current = self._catalog.find(LabelChanged, label.id)
            if current is not None and current.state == "merged" and current.merged_into is not None:
                current = self._catalog.find(LabelChanged, current.merged_into) or current
            if current is None:
                names[label.id] = label.name
            elif current.state in ("active", "hidden"):
                names[current.label_id] = current.label_name
        return tuple(LabelReference(id=label_id, name=name) for label_id, name in names.items())


def _row_and_event(
    click: UsableReport, labels: tuple[LabelReference, ...], sends: Mapping[SendKey, int], network_key: bytes
) -> tuple[ClickRow, ContactClicked]:
    """Return the row and the event of a click."""
    report: ClickReported = click.received.event
    stored = evidence(report)
    verdict, reasons = judge(stored)
    link, send = click.clicked_link.link, report.send
    click_id = uuid7()
    event = ContactClicked(
        event_id=click_id,
        occurred_at=report.occurred_at,
        account_id=report.account_id,
        contact_id=click.contact_id,
        click_id=click_id,
        message_id=report.message_id,
        send=send,
        link_id=link.id,
        url=link.url,
        labels=labels,
        verdict=verdict,
        reasons=reasons,
        history=report.history,
    )
    row = ClickRow(
        click_id,
        report.account_id,
        click.contact_id,
        click.message.message_no,
        link.number,
        0 if send is None else sends[SendKey(click.message.message_no, send.kind, send.id)],
        report.occurred_at,
        verdict,
        reasons,
        stored.method,
        stored.hint,
        stored.user_agent,
        report.ip,
        headers_as_json(stored.headers),
        RULES,
        stored.history,
        seconds_between(None if send is None else send.sent_at, report.occurred_at),
        seconds_between(report.delivered_at, report.occurred_at),
        network_hash(report.ip, report.account_id, network_key),
        report.http_version,
    )
    return row, event


def _count_verdicts(verdicts: Mapping[str, int]) -> None:
    for verdict, count in verdicts.items():
        CLICKS.labels(verdict).inc(count)
