"""A small but complete delivery pipeline: reads Penchant's requests, sends each message once, and reports it.

Reads `workflow.messages` and `segmentation.messages`, gets the recipient's address from labeling and the mail with its
tracked links from tracking, and hands it over. `Outbox` is where mails are handed over: here a folder of .eml files, in
production a mail server or a provider. The pipeline uses none of Penchant's code, only aiokafka, httpx, and the
standard library.

    PENCHANT_KAFKA=… PENCHANT_LABELING_URL=… PENCHANT_TRACKING_URL=… PENCHANT_API_KEY=… \\
        python docs/examples/delivery_pipeline.py outbox/

The key needs the scopes `read` and `write`. It belongs to one account, and the topics carry the requests of all
accounts, whose contact ids all begin at 1: requests of other accounts are skipped. The folder docs/how-to says why the
pipeline does what it does (connect-a-delivery-pipeline.md), and what a larger one adds (bring-your-own-delivery.md).
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

SOURCE = "/delivery-pipeline"  # source and id identify a report for ever
TOPICS = ("workflow.messages", "segmentation.messages")


class SentMessages:
    """The requests that have been carried out. Must be as durable as the mails: if lost, mails are sent again."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, how TEXT, at TEXT)")

    def how(self, key: str) -> tuple[str, str] | None:
        """Return how a request ended and when; None if it has not been carried out."""
        found: tuple[str, str] | None = self._database.execute(
            "SELECT how, at FROM done WHERE key = ?", (key,)
        ).fetchone()
        return found

    def note(self, key: str, how: str, at: datetime) -> None:
        """Store that the request has ended."""
        self._database.execute("INSERT OR IGNORE INTO done VALUES (?, ?, ?)", (key, how, at.isoformat()))


class Outbox:
    """Hands mails over, each under a name that is the same if the mail is handed over again.

    The pipeline may be killed between handing a mail over and storing that it did; the mail is then handed over again.
    In a folder, the new file replaces the old one. With a provider, pass the key as its idempotency key; with SMTP, as
    the Message-ID, by which receivers drop duplicates.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def hand_over(self, key: str, mail: EmailMessage) -> None:
        """Hand the mail over, or raise."""
        part = self._folder / f"{key.replace(':', '.')}.part"
        part.write_bytes(bytes(mail))
        part.rename(part.with_suffix(".eml"))


class Pipeline:
    """Carries out requests one after another, and reports them."""

    def __init__(self, folder: Path, http: httpx.AsyncClient, producer: AIOKafkaProducer) -> None:
        self._outbox = Outbox(folder)
        self._sent_messages = SentMessages(folder / "sent.sqlite")
        self._http = http
        self._producer = producer
        self._labeling = os.environ["PENCHANT_LABELING_URL"]
        self._tracking = os.environ["PENCHANT_TRACKING_URL"]
        self._prefix = os.environ.get("PENCHANT_TOPIC_PREFIX", "")

    async def own_account(self) -> int:
        """Return the id of the account that the key belongs to."""
        answer = await self._http.get(f"{self._labeling}/v1/account")
        answer.raise_for_status()
        account_id: int = answer.json()["account_id"]
        return account_id

    async def carry_out(self, request: dict[str, Any]) -> str:
        """Send the message unless that was done before, report it, and return how it ended."""
        key = request["idempotency_key"]
        done = self._sent_messages.how(key)
        if done is None:
            how, at = await self._send(key, request), datetime.now(UTC)
            self._sent_messages.note(key, how, at)
        else:
            how, at = done[0], datetime.fromisoformat(done[1])
        if how == "sent":
            # Also when it was sent before: the report may have been lost, and reporting again changes nothing.
            await self._report(key, request, at)
        return how

    async def _send(self, key: str, request: dict[str, Any]) -> str:
        expires_at = request.get("expires_at")
        if expires_at is not None and datetime.fromisoformat(expires_at) < datetime.now(UTC):
            return "expired"
        answer = await self._http.get(f"{self._labeling}/v1/contacts/{request['contact_id']}")
        if answer.status_code == 404:
            return "erased"
        answer.raise_for_status()
        contact = answer.json()
        if contact["subscription"] != "subscribed":
            return str(contact["subscription"])
        if contact["email"] is None:
            return "no address"
        rendered = await self._render(request, contact)
        if rendered is None:
            return "not rendered"
        mail = EmailMessage()
        mail["To"] = contact["email"]
        mail["From"] = "shop@shop.example"
        mail["Subject"] = rendered["subject"] or "From your shop"
        mail["Message-ID"] = f"<{key.replace(':', '.')}@shop.example>"
        mail.set_content(rendered["text"])
        mail.add_alternative(rendered["html"], subtype="html")
        self._outbox.hand_over(key, mail)
        return "sent"

    async def _render(self, request: dict[str, Any], contact: dict[str, Any]) -> dict[str, Any] | None:
        """Return the mail for this contact, with links that carry the contact and the send; None if it has none."""
        recipient = {
            "contact_id": request["contact_id"],
            "content": request.get("content") or {},
            "fields": contact["fields"],
            "email": contact["email"],
        }
        answer = await self._http.post(
            f"{self._tracking}/v1/messages/{request['message_id']}/render",
            json={"send": request["send"], "revision": request.get("revision"), "recipients": [recipient]},
        )
        if answer.status_code in (404, 422):
            return None
        answer.raise_for_status()
        rendered: dict[str, Any] = json.loads(answer.text)
        return rendered

    async def _report(self, key: str, request: dict[str, Any], at: datetime) -> None:
        """Report `message.sent` on `intake.engagements`, for workflows and criteria."""
        report = {
            "account_id": request["account_id"],
            "contact_id": request["contact_id"],
            "kind": "message.sent",
            "message_id": request["message_id"],
            "send": request["send"],
            "occurred_at": at.isoformat(),
        }
        headers = {
            "ce_specversion": "1.0",
            "ce_type": "penchant.EngagementReported.v1",
            "ce_source": SOURCE,
            "ce_id": f"{key}/sent",
            "content-type": "application/json",
        }
        await self._producer.send_and_wait(
            f"{self._prefix}intake.engagements",
            json.dumps(report).encode(),
            key=f"{request['account_id']}:{request['contact_id']}".encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )


async def main(folder: Path) -> None:
    """Carry out requests until a signal comes. The next start continues with unfinished requests."""
    kafka = os.environ["PENCHANT_KAFKA"]
    prefix = os.environ.get("PENCHANT_TOPIC_PREFIX", "")
    consumer = AIOKafkaConsumer(
        *(prefix + topic for topic in TOPICS),
        bootstrap_servers=kafka,
        group_id=os.environ.get("PIPELINE_GROUP", "delivery-pipeline"),
        auto_offset_reset="earliest",  # also carry out requests from before the first start
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    authorization = {"Authorization": f"Bearer {os.environ['PENCHANT_API_KEY']}"}
    async with consumer, producer, httpx.AsyncClient(headers=authorization, timeout=30) as http:
        pipeline = Pipeline(folder, http, producer)
        account_id = await pipeline.own_account()
        while not stop.is_set():
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    request = json.loads(record.value)
                    if request["account_id"] != account_id:
                        continue
                    how = await pipeline.carry_out(request)
                    print(f"{how}: message {request['message_id']} to contact {request['contact_id']}", flush=True)
                # Only now: requests that were not carried out are read again.
                await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
