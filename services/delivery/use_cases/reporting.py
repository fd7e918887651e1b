"""Reports the outcomes of mails on `intake.engagements`, like any delivery pipeline."""

import asyncio
import json
from typing import Any

from asyncpg import Record

from services.delivery.store.mails import not_reported, note_reported
from shared.bus.errors import is_passing
from shared.bus.producer import IntakeProducer, IntakeRecord
from shared.events.codec import rfc3339
from shared.retrying import until_it_works
from shared.store.database import Database

TOPIC = "intake.engagements"
SOURCE = "/delivery"
AT_ONCE = 1_000  # mails in one batch
CHECK_INTERVAL = 0.5  # seconds between checks for mails to report


class Reporting:
    """Sends reports. Several processes may report the same mail: the report's id is derived from the mail."""

    def __init__(self, database: Database, intake: IntakeProducer) -> None:
        self._database = database
        self._intake = intake

    async def run(self) -> None:
        """Report until the process ends."""
        while True:
            if not await until_it_works("reports of mails", self._report_batch, is_passing):
                await asyncio.sleep(CHECK_INTERVAL)

    async def _report_batch(self) -> int:
        """Report up to `AT_ONCE` mails; return how many were waiting for their report."""
        rows = await not_reported(self._database.pool, AT_ONCE)
        records = [report for row in rows if (report := report_of(row)) is not None]
        if records:
            await self._intake.send(TOPIC, records)
        if rows:
            await note_reported(self._database.pool, [row["id"] for row in rows])
        return len(rows)


def report_of(row: Record) -> IntakeRecord | None:
    """Return the report of a mail that has ended; None for test mails and Penchant's own, which are not reported."""
    send: dict[str, str] = json.loads(row["send"])
    if row["message_id"] is None or row["contact_id"] is None or send["kind"] == "test":
        return None
    value: dict[str, Any] = {
        "account_id": row["account_id"],
        "contact_id": row["contact_id"],
        "kind": f"message.{row['state']}",
        "message_id": str(row["message_id"]),
        "send": send,
        "occurred_at": rfc3339(row["ended_at"]),
        "attributes": _attributes(row["state"], row["reason"] or ""),
    }
    headers = {
        "ce_specversion": "1.0",
        "ce_type": "penchant.EngagementReported.v1",
        "ce_source": SOURCE,
        "ce_id": f"{row['account_id']}/{row['idempotency_key']}/{row['state']}",
        "content-type": "application/json",
    }
    key = f"{row['account_id']}:{row['contact_id']}"
    return key.encode(), json.dumps(value).encode(), [(name, text.encode()) for name, text in headers.items()]


def _attributes(state: str, reason: str) -> dict[str, str]:
    """Return the reason of a skip, or the code of a refusal; not the server's text, which may contain the address."""
    if state == "skipped":
        return {"reason": reason.partition(":")[0]}
    if state in ("bounced", "refused"):
        return {"code": reason.partition(" ")[0]}
    return {}
