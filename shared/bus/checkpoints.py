"""How far a consumer has come, kept beside the effects of what it read (design, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asyncpg.pool import PoolConnectionProxy

from shared.bus.record import Part
from shared.store.errors import Fenced
from shared.store.queries import load_queries

QUERIES = load_queries(Path(__file__).parent / "sql")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The next offset to read of a topic's partition, and the highest sequence applied."""

    next_offset: int
    sequence: int


class Checkpoints:
    """The checkpoints of one consumer in the parts of a processor, as this process wrote or read them last."""

    def __init__(self, consumer: str, version: int, cluster_id: str) -> None:
        self._identity = (consumer, version, cluster_id)
        self.current: dict[Part, Checkpoint] = {}

    async def load(self, connection: PoolConnectionProxy, beginnings: Mapping[Part, int]) -> None:
        """Reads them; a part never read before starts at its beginning."""
        topics, partitions = [part.topic for part in beginnings], [part.partition for part in beginnings]
        await connection.execute(
            QUERIES["insert_checkpoints"], *self._identity, topics, partitions, list(beginnings.values())
        )
        rows = await connection.fetch(QUERIES["read_checkpoints"], *self._identity, topics, partitions)
        self.current = {
            Part(row["topic"], row["partition"]): Checkpoint(row["next_offset"], row["sequence"]) for row in rows
        }

    async def move(self, connection: PoolConnectionProxy, moved: Mapping[Part, Checkpoint]) -> None:
        """Writes the new ones. Raises Fenced if they are not where this process left them."""
        parts = sorted(moved)
        done = await connection.execute(
            QUERIES["move_checkpoints"],
            *self._identity,
            [part.topic for part in parts],
            [part.partition for part in parts],
            [self.current[part].next_offset for part in parts],
            [moved[part].next_offset for part in parts],
            [moved[part].sequence for part in parts],
        )
        if done != f"UPDATE {len(parts)}":
            raise Fenced("another process has moved the checkpoint")

    async def hold_fast(self, connection: PoolConnectionProxy) -> None:
        """Checks that they are where this process left them, and keeps them there until the transaction ends."""
        await self.move(connection, self.current)

    def committed(self, moved: Mapping[Part, Checkpoint]) -> None:
        """Remembers what has been written, once it is committed."""
        self.current |= moved
