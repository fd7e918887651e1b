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
        """Read the checkpoints of the parts in `beginnings`; a part that was never read starts at its beginning."""
        columns = {"topics": [part.topic for part in beginnings], "partitions": [part.partition for part in beginnings]}
        offsets = list(beginnings.values())
        await QUERIES["begin"].execute(connection, **self._identity, **columns, next_offsets=offsets)
        for row in await QUERIES["read"].fetch(connection, **self._identity, **columns):
            self.current[PartitionId(row["topic"], row["partition"])] = Checkpoint(row["next_offset"], row["sequence"])

    async def move(self, connection: PoolConnectionProxy, moves: Moves) -> set[int]:
        """Write the new checkpoints; return the partition numbers that moved.

        The others are fenced: their checkpoints in the database are not those that this process wrote last, so another
        process owns them, and nothing was written for them. The caller holds the locks of the numbers, or rolls back if
        any is fenced.
        """
        return await self._write(connection, moves, self.current)

    async def move_back(self, connection: PoolConnectionProxy, moves: Moves) -> None:
        """Undo `move` for some partition numbers, in the same transaction."""
        before = {number: {part: self.current[part] for part in moved} for number, moved in moves.items()}
        await self._write(
            connection, before, {part: checkpoint for moved in moves.values() for part, checkpoint in moved.items()}
        )

    async def lock(self, connection: PoolConnectionProxy, parts: Mapping[int, list[PartitionId]]) -> set[int]:
        """Lock checkpoints until the transaction ends; return the numbers that are not fenced."""
        unmoved = {number: {part: self.current[part] for part in own} for number, own in parts.items()}
        return await self._write(connection, unmoved, self.current)

    async def _write(
        self, connection: PoolConnectionProxy, moves: Moves, expected: Mapping[PartitionId, Checkpoint]
    ) -> set[int]:
        rows = sorted((part, number, moved[part]) for number, moved in moves.items() for part in moved)
        written = await QUERIES["move"].fetch(
            connection,
            **self._identity,
            numbers=[number for _, number, _ in rows],
            topics=[part.topic for part, _, _ in rows],
            partitions=[part.partition for part, _, _ in rows],
            expected=[expected[part].next_offset for part, _, _ in rows],
            next_offsets=[checkpoint.next_offset for _, _, checkpoint in rows],
            sequences=[checkpoint.sequence for _, _, checkpoint in rows],
        )
        moved_parts = [row["number"] for row in written]
        return {number for number, moved in moves.items() if moved_parts.count(number) == len(moved)}

    def committed(self, moves: Moves) -> None:
        """Note the new checkpoints, once they are committed."""
        for moved in moves.values():
            self.current |= moved
