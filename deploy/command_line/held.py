"""Records that services hold because their code failed on them; listing them requires the operator's key."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from deploy.command_line.client import Client, Json, Unreachable
from deploy.command_line.settings import CommandLineSettings, ServiceName

SERVICES: Sequence[ServiceName] = get_args(ServiceName)


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A held record. Later records of its contact on the topic are held behind it."""

    service: ServiceName
    number: int
    topic: str
    partition: int
    offset: int
    account_id: int | None
    contact_id: int | None
    reason: str
    held_at: datetime

    @property
    def id(self) -> str:
        """The id for commands, such as `labeling:12`."""
        return f"{self.service}:{self.number}"

    @property
    def replay_key(self) -> tuple[ServiceName, str, int | None, int | None]:
        """The key of records that are replayed together: those of one contact on one topic."""
        return self.service, self.topic, self.account_id, self.contact_id


class HeldRecords:
    """The held records of all services; `unavailable` has the services that could not be queried, with the reasons."""

    def __init__(self, settings: CommandLineSettings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self.unavailable: dict[ServiceName, str] = {}

    async def read(self) -> list[HeldRecord]:
        """Return the records on which the code failed, oldest first."""
        found = [held for service in SERVICES if self._settings.knows(service) async for held in self._of(service)]
        return sorted(found, key=lambda held: held.held_at)

    async def replay(self, records: Sequence[HeldRecord]) -> int:
        """Replay `records`, each with those that are held behind it. Return the number of all."""
        released = 0
        for service, topic, account_id, contact_id in dict.fromkeys(held.replay_key for held in records):
            body = {"topic": topic, "account_id": account_id, "contact_id": contact_id}
            answer: Json = await self._client.post(service, f"/v1/{service}-held-records/replay", body)
            released += answer["released"]
        return released

    async def _of(self, service: ServiceName) -> AsyncIterator[HeldRecord]:
        try:
            async for item in self._client.items(service, f"/v1/{service}-held-records", state="failed"):
                yield HeldRecord(
                    service=service,
                    number=item["id"],
                    topic=item["topic"],
                    partition=item["partition"],
                    offset=item["offset"],
                    account_id=item["account_id"],
                    contact_id=item["contact_id"],
                    reason=item["reason"],
                    held_at=datetime.fromisoformat(item["held_at"]),
                )
        except Unreachable as problem:
            self.unavailable[service] = str(problem)
