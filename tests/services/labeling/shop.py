"""An account with labels and contacts, and records as Kafka delivers them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.labeling.domain.fields import Field
from services.labeling.domain.labels import Label
from services.labeling.use_cases.accounts import add_account
from services.labeling.use_cases.fields import add_field
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.labels import add_label
from services.labeling.use_cases.uploads import Limits
from services.labeling.use_cases.upserts import Upserted, UpsertRow, upsert_contacts
from shared.bus.handler import Handler
from shared.bus.lane import Fetched
from shared.bus.reading import read, received_of
from shared.events.codec import body_of, headers_of
from shared.events.envelope import Event
from shared.events.intake import EngagementReported
from shared.events.parts import LabelReference, Origin, Send, SendKind
from shared.events.topics import CATALOG_PARTITION, partition_of
from shared.events.tracking import ContactClicked
from shared.jobs.runner import JobRunner
from shared.store.database import Database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY_API = Origin(kind="api", key_id=UUID(int=1))


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """A record as the Kafka client returns it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class _Published:
    """A relay that has published every event."""

    delay = 0.0


@dataclass
class Shop:
    """A pet shop's account."""

    database: Database
    account_id: int
    labels: dict[str, Label] = field(default_factory=dict)
    offset: int = 0

    async def run_jobs(self) -> None:
        """Run jobs until none is left."""
        await JobRunner(self.database, _Published(), kinds(Limits())).run_until_idle()

    @classmethod
    async def open(cls, database: Database, *names: str) -> "Shop":
        """Create an account with these labels."""
        async with database.unit_of_work(CATALOG_PARTITION) as work:
            shop = cls(database, await add_account(work, "Pet shop", "Europe/Brussels"))
            for name in names:
                shop.labels[name] = await add_label(work, shop.account_id, name, "", "public")
            await add_field(work, shop.account_id, Field("city", "City", "text"))
            await add_field(work, shop.account_id, Field("age", "Age", "number"))
        return shop

    async def write(self, *patches: dict[str, Any]) -> Upserted:
        """Upsert contacts; a patch may contain names of labels."""
        rows = [
            UpsertRow(
                "upsert",
                {name: value for name, value in patch.items() if name != "labels"},
                tuple(self.labels[name] for name in patch.get("labels", ())),
            )
            for patch in patches
        ]
        return await upsert_contacts(self.database, self.account_id, rows, BY_API)

    async def contact(self, email: str = "ann@example.com", **more: Any) -> int:
        """Create a contact; return its id."""
        (contact_id,) = (await self.write({"email": email, **more})).contact_ids
        assert contact_id is not None
        return contact_id

    def clicked(self, contact_id: int, *names: str, **more: Any) -> ContactClicked:
        """Return a human click on a link with these labels."""
        defaults: dict[str, Any] = {
            "occurred_at": NOON,
            "account_id": self.account_id,
            "contact_id": contact_id,
            "click_id": uuid7(),
            "message_id": uuid7(),
            "link_id": uuid7(),
            "url": "https://shop.example/food",
            "labels": tuple(LabelReference(id=self.labels[name].id, name=name) for name in names),
            "verdict": "human",
            "reasons": (),
        }
        return ContactClicked(**{**defaults, **more})

    async def deliver(self, handler: Handler, *events: Event) -> None:
        """Pass events of contact topics to `handler`, per partition number, as the bus does."""
        partitions: dict[int, list[Fetched]] = {}
        for event in events:
            self.offset += 1
            number = partition_of(event.account_id, event.contact_id, self.database.partitions)  # type: ignore[attr-defined]
            headers = headers_of(
                event.type(), event.event_id, "/test", event.occurred_at, self.offset, {}, None, None, None
            )
            record = KafkaRecord(event.topic, number, self.offset, event.key.encode(), body_of(event), [*headers])
            partitions.setdefault(number, []).append((event.topic, record, dict(headers)))
        for number, records in partitions.items():
            received = received_of(await read("labels", records))
            assert len(received) == len(records)
            async with self.database.unit_of_work(number) as work:
                await handler.handle(work, received)

    async def report(self, handler: Handler, *reports: tuple[str, EngagementReported]) -> None:
        """Pass reports, each with its id, to the handler of `intake.engagements`, as one batch."""
        records: list[Fetched] = []
        for identity, report in reports:
            self.offset += 1
            headers = headers_of(
                "penchant.EngagementReported.v1", identity, "/forms", report.occurred_at, None, {}, None, None, None
            )
            record = KafkaRecord(report.topic, 0, self.offset, b"k", body_of(report), [*headers])
            records.append((report.topic, record, dict(headers)))
        received = received_of(await read("engagements", records))
        assert len(received) == len(records)
        async with self.database.unit_of_work() as work:
            await handler.handle(work, received)

    async def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the appended events in order: type, contact and body."""
        rows = await self.database.pool.fetch(
            "SELECT position, type, contact_id, causation_id, body, personal FROM events ORDER BY position"
        )
        return [dict(row) for row in rows if name is None or f".{name}." in row["type"]]

    async def holds(self, contact_id: int, name: str) -> bool:
        """Return whether the contact holds the label."""
        held = await self.database.pool.fetchval(
            "SELECT held FROM assignments WHERE contact_id = $1 AND label_no = $2",
            contact_id,
            self.labels[name].no,
        )
        return bool(held)

    async def history(self, contact_id: int, name: str) -> list[str]:
        """Return the outcomes, oldest first."""
        rows = await self.database.pool.fetch(
            "SELECT outcome FROM assignment_history WHERE contact_id = $1 AND label_no = $2 ORDER BY entry",
            contact_id,
            self.labels[name].no,
        )
        return [row["outcome"] for row in rows]


def a_send(kind: SendKind = "campaign") -> Send:
    """Return a send."""
    return Send(kind=kind, id="spring", sent_at=NOON)
