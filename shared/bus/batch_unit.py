"""One unit of work with the records of several partition numbers: their checkpoints, and the handler's effects."""

from collections.abc import Iterable, Mapping, Sequence

from shared.bus.assigned import AssignedPartition
from shared.bus.checkpoints import Checkpoints
from shared.bus.errors import is_passing
from shared.bus.handler import Consumer, HandlerFailed
from shared.bus.held_contacts import SortedRecords
from shared.bus.lane import TakenRecords
from shared.bus.received import Received
from shared.bus.traces import traced
from shared.store.errors import Fenced, UnsafeToRun
from shared.store.unit_of_work import UnitOfWork


class PartitionBatch:
    """Records of one partition number for one unit of work, sorted into those to apply and those to hold."""

    def __init__(self, partition: AssignedPartition, taken: TakenRecords, records: SortedRecords) -> None:
        self.partition = partition
        self.taken = taken
        self.sorted = records


class BatchUnit:
    """One unit of work with records of several partition numbers, and the outcome for each."""

    def __init__(self, consumer: Consumer, checkpoints: Checkpoints, batches: Sequence[PartitionBatch]) -> None:
        self.begun = False  # whether the handler's memory may have changed
        self.applied: list[PartitionBatch] = []
        self.fenced: list[PartitionBatch] = []
        self.failed: list[tuple[PartitionBatch, Exception]] = []
        self._consumer = consumer
        self._checkpoints = checkpoints
        self._batches = {batch.partition.number: batch for batch in batches}
        self._moves = {number: batch.taken.moved for number, batch in self._batches.items()}
        self.locks = sorted(self._batches) if consumer.aligned else []

    async def run(self, work: UnitOfWork) -> None:
        """Move the checkpoints, and apply the records of the partition numbers that are not fenced.

        Raises Fenced if all numbers are fenced, and HandlerFailed if the handler's code fails on all that are not.
        """
        moved = await self._checkpoints.move(work.connection, self._moves)
        if not moved:
            raise Fenced("another process has moved the checkpoint")
        owned = {number: batch for number, batch in self._batches.items() if number in moved}
        self.fenced = [batch for number, batch in self._batches.items() if number not in moved]
        work.withdraw(self._batches.keys() - moved)
        self.begun = True
        records = [received for batch in owned.values() for received in batch.sorted.batch]
        if records:
            await handle(self._consumer, work, records)
        if work.failed:
            if work.failed.keys() >= owned.keys():
                raise failure_of(work.failed)
            await self._checkpoints.move_back(work.connection, {number: self._moves[number] for number in work.failed})
            work.withdraw(work.failed)
        self.applied = [batch for number, batch in owned.items() if number not in work.failed]
        self.failed = [(owned[number], error) for number, error in work.failed.items()]
        for batch in self.applied:
            await batch.sorted.write(work)
        await flush(work)

    def committed(self) -> None:
        """Note the new checkpoints and held records, once they are committed."""
        self._checkpoints.committed({batch.partition.number: batch.taken.moved for batch in self.applied})
        for batch in self.applied:
            batch.partition.held.committed(batch.sorted)

    def put_back(self, batches: Iterable[PartitionBatch]) -> None:
        """Return the records of `batches` to their lanes, before the others."""
        for batch in batches:
            assert batch.partition.lane is not None
            batch.partition.lane.put_back(batch.taken, self._checkpoints.current)


async def handle(consumer: Consumer, work: UnitOfWork, batch: Sequence[Received]) -> None:
    """Give a batch to the handler. Raises HandlerFailed if its code fails."""
    try:
        with traced(consumer.name, batch):
            await consumer.handler.handle(work, batch)
    except Exception as error:
        if _is_external(error):
            raise
        raise HandlerFailed from error


async def flush(work: UnitOfWork) -> None:
    """Write what a handler has appended. Raises HandlerFailed if it cannot be written."""
    try:
        await work.flush()
    except Exception as error:
        if _is_external(error):
            raise
        raise HandlerFailed from error


def _is_external(error: Exception) -> bool:
    """Return whether the cause of the error is not the handler's code."""
    return is_passing(error) or isinstance(error, Fenced | UnsafeToRun)


def failure_of(failed: Mapping[int, Exception]) -> Exception:
    """Return the error to raise for a unit of work in which every partition number failed."""
    error = next(iter(failed.values()))
    if _is_external(error):
        return error
    failure = HandlerFailed()
    failure.__cause__ = error
    return failure


def reason_of(error: BaseException | None) -> str:
    """Return the first line of an error, at most 500 characters: PostgreSQL quotes the row in the next line."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:500]
