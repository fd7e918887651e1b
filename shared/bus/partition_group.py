"""The partition numbers of one group: which are open, and the units of work that they share."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager

from shared.bus.assigned import AssignedPartition
from shared.bus.checkpoints import Checkpoints
from shared.bus.handler import Consumer, PartitionStopped
from shared.store.database import Database
from shared.store.errors import Fenced, UnsafeToRun
from shared.store.unit_of_work import UnitOfWork


class PartitionGroup:
    """Opens, closes and gives up partition numbers. `changed` is called when one has been opened, or could not be.

    `turn` is locked during a unit of work. `open_error` is the error of a partition number that cannot be opened.
    """

    def __init__(
        self, consumer: Consumer, database: Database, checkpoints: Checkpoints, changed: Callable[[], None]
    ) -> None:
        self.turn = asyncio.Lock()
        self.open_error: BaseException | None = None
        self._consumer = consumer
        self._database = database
        self._checkpoints = checkpoints
        self._changed = changed
        self._partitions: dict[int, AssignedPartition] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}

    def add(self, partition: AssignedPartition) -> None:
        """Open a partition number."""
        self._partitions[partition.number] = partition
        self._reopen(partition)

    async def remove(self, numbers: Iterable[int]) -> None:
        """Give up partition numbers, for their next owner, once the current unit of work has ended."""
        removed = [self._partitions.pop(number) for number in numbers]
        opening = [self._opening.pop(partition.number) for partition in removed if partition.number in self._opening]
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        async with self.turn:
            for partition in removed:
                partition.close()

    def open_partitions(self) -> list[AssignedPartition]:
        """Return the open partition numbers, in their order."""
        return [partition for _, partition in sorted(self._partitions.items()) if partition.is_open]

    def reopen(self, partitions: Iterable[AssignedPartition]) -> None:
        """Drop the memory of partition numbers, and open them again."""
        for partition in partitions:
            if partition.is_open and self._partitions.get(partition.number) is partition:
                partition.close()
                self._reopen(partition)

    def stop(self, partition: AssignedPartition, error: PartitionStopped) -> None:
        """Stop a partition number whose records cannot be applied."""
        self.reopen([partition])
        partition.stopped(error)

    def recover(self, partitions: Sequence[AssignedPartition], error: BaseException) -> None:
        """Open partition numbers again after an error: their memory may not match the database.

        Raises `error` if it is UnsafeToRun.
        """
        if isinstance(error, UnsafeToRun):
            raise error
        for partition in partitions:
            partition.report(error.__cause__ or error)
        self.reopen(partitions)

    async def close(self) -> None:
        """Close all partition numbers."""
        opening = list(self._opening.values())
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        for partition in self._partitions.values():
            partition.close()

    def unit_of(self, partitions: Sequence[AssignedPartition]) -> AbstractAsyncContextManager[UnitOfWork]:
        """Return a unit of work for partition numbers."""
        locks = [partition.number for partition in partitions] if self._consumer.aligned else []
        return self._database.unit_of_work(*locks)

    async def lock_checkpoints(
        self, work: UnitOfWork, partitions: Sequence[AssignedPartition]
    ) -> tuple[list[AssignedPartition], list[AssignedPartition]]:
        """Lock the checkpoints; return the partition numbers that this process owns, and those that are fenced.

        Raises Fenced if all of them are.
        """
        kept = await self._checkpoints.lock(
            work.connection, {partition.number: list(partition.parts) for partition in partitions}
        )
        fenced = [partition for partition in partitions if partition.number not in kept]
        if len(fenced) == len(partitions):
            raise Fenced("another process has moved the checkpoint")
        work.withdraw(partition.number for partition in fenced)
        return [partition for partition in partitions if partition.number in kept], fenced

    def _reopen(self, partition: AssignedPartition) -> None:
        task = asyncio.create_task(partition.open(), name=f"open {self._consumer.name} {partition.number}")
        self._opening[partition.number] = task
        task.add_done_callback(lambda ended: self._opening_ended(partition.number, ended))

    def _opening_ended(self, number: int, task: "asyncio.Task[None]") -> None:
        if self._opening.get(number) is task:
            del self._opening[number]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.open_error = error
        self._changed()
