"""How far a consumer has come, kept beside the effects of what it read (design, section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asyncpg.pool import PoolConnectionProxy

from shared.store.errors import Fenced
from shared.store.queries import load_queries

QUERIES = load_queries(Path(__file__).parent / "sql")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The next offset to read of a topic's partition, and the highest sequence applied."""

    next_offset: int
    sequence: int


class Checkpoints:
    """The checkpoints of one consumer in one partition number, as this process wrote or read them last."""

    def __init__(self, consumer: str, version: int, cluster_id: str, partition: int) -> None:
        self._identity = (consumer, version, cluster_id, partition)
        self.current: dict[str, Checkpoint] = {}

    async def load(self, connection: PoolConnectionProxy, beginnings: Mapping[str, int]) -> None:
        """Reads them; a topic never read before starts at its beginning."""
        await connection.execute(
            QUERIES["insert_checkpoints"], *self._identity, list(beginnings), list(beginnings.values())
        )
        rows = await connection.fetch(QUERIES["read_checkpoints"], *self._identity)
        self.current = {
            row["topic"]: Checkpoint(row["next_offset"], row["sequence"]) for row in rows if row["topic"] in beginnings
        }

    async def move(self, connection: PoolConnectionProxy, moved: Mapping[str, Checkpoint]) -> None:
        """Writes the new ones. Raises Fenced if they are not where this process left them."""
        topics: Sequence[str] = sorted(moved)
        done = await connection.execute(
            QUERIES["move_checkpoints"],
            *self._identity,
            topics,
            [self.current[topic].next_offset for topic in topics],
            [moved[topic].next_offset for topic in topics],
            [moved[topic].sequence for topic in topics],
        )
        if done != f"UPDATE {len(topics)}":
            raise Fenced("another process has moved the checkpoint")

    async def hold_fast(self, connection: PoolConnectionProxy) -> None:
        """Checks that they are where this process left them, and keeps them there until the transaction ends."""
        await self.move(connection, self.current)

    def committed(self, moved: Mapping[str, Checkpoint]) -> None:
        """Remembers what has been written, once it is committed."""
        self.current |= moved
