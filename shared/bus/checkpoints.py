"""Checkpoints of consumers, written in the transaction of the effects. See docs/architecture.md."""

from collections.abc import Mapping
from dataclasses import dataclass

from asyncpg.pool import PoolConnectionProxy

from shared.bus.record import PartitionId
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The next offset to read of a topic's partition, and the highest sequence applied."""

    next_offset: int
    sequence: int


Moves = Mapping[int, Mapping[PartitionId, Checkpoint]]  # by partition number


class Checkpoints:
    """The checkpoints of one consumer in the partition numbers of a group, as this process last wrote or read them."""

    def __init__(self, consumer: str, version: int, cluster_id: str) -> None:
        self._identity = {"consumer": consumer, "version": version, "cluster_id": cluster_id}
        self.current: dict[PartitionId, Checkpoint] = {}

    async def load(self, connection: PoolConnectionProxy, beginnings: Mapping[PartitionId, int]) -> None:
        """Read those of the parts in `beginnings`; a part never read before starts at its beginning."""
        of = {"topics": [part.topic for part in beginnings], "partitions": [part.partition for part in beginnings]}
        offsets = list(beginnings.values())
        await QUERIES["begin"].execute(connection, **self._identity, **of, next_offsets=offsets)
        for row in await QUERIES["read"].fetch(connection, **self._identity, **of):
            self.current[PartitionId(row["topic"], row["partition"])] = Checkpoint(row["next_offset"], row["sequence"])

    async def move(self, connection: PoolConnectionProxy, moves: Moves) -> set[int]:
        """Write the new checkpoints; return the partition numbers that moved.

        The others are fenced: they are not where this process left them, so another process owns them, and nothing was
        written for them. The caller holds the locks of the numbers, or rolls back if any is fenced.
        """
        return await self._write(connection, moves, self.current)

    async def take_back(self, connection: PoolConnectionProxy, moves: Moves) -> None:
        """Undo `move` for some partition numbers, in the same transaction."""
        before = {number: {part: self.current[part] for part in moved} for number, moved in moves.items()}
        await self._write(connection, before, {part: at for moved in moves.values() for part, at in moved.items()})

    async def hold_fast(self, connection: PoolConnectionProxy, parts: Mapping[int, list[PartitionId]]) -> set[int]:
        """Lock checkpoints until the transaction ends; return the numbers that are not fenced."""
        stay = {number: {part: self.current[part] for part in of} for number, of in parts.items()}
        return await self._write(connection, stay, self.current)

    async def _write(
        self, connection: PoolConnectionProxy, moves: Moves, expected: Mapping[PartitionId, Checkpoint]
    ) -> set[int]:
        rows = sorted((part, number, moved[part]) for number, moved in moves.items() for part in moved)
        done = await QUERIES["move"].fetch(
            connection,
            **self._identity,
            numbers=[number for _, number, _ in rows],
            topics=[part.topic for part, _, _ in rows],
            partitions=[part.partition for part, _, _ in rows],
            expected=[expected[part].next_offset for part, _, _ in rows],
            next_offsets=[at.next_offset for _, _, at in rows],
            sequences=[at.sequence for _, _, at in rows],
        )
        moved_parts = [row["number"] for row in done]
        return {number for number, moved in moves.items() if moved_parts.count(number) == len(moved)}

    def committed(self, moves: Moves) -> None:
        """Remember what has been written, once it is committed."""
        for moved in moves.values():
            self.current |= moved
