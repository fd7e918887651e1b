"""One unit of work with the records of several partition numbers: their checkpoints, and the handler's effects."""

from collections.abc import Iterable, Mapping, Sequence

from shared.bus.assigned import AssignedPartition
from shared.bus.checkpoints import Checkpoints
from shared.bus.errors import is_passing
from shared.bus.handler import Consumer, HandlerFailed
from shared.bus.held_contacts import Sorted
from shared.bus.lane import TakenRecords
from shared.bus.received import Received
from shared.bus.traces import traced
from shared.store.errors import Fenced, UnsafeToRun
from shared.store.unit_of_work import UnitOfWork


class PartitionBatch:
    """Records of one partition number for one unit of work, sorted into those to apply and those to hold."""

    def __init__(self, partition: AssignedPartition, taken: TakenRecords, records: Sorted) -> None:
        self.partition = partition
        self.taken = taken
        self.sorted = records


class BatchUnit:
    """One unit of work with records of several partition numbers, and the outcome for each."""

    def __init__(self, consumer: Consumer, checkpoints: Checkpoints, works: Sequence[PartitionBatch]) -> None:
        self.begun = False  # memory may have changed
        self.applied: list[PartitionBatch] = []
        self.fenced: list[PartitionBatch] = []
        self.failed: list[tuple[PartitionBatch, Exception]] = []
        self._consumer = consumer
        self._checkpoints = checkpoints
        self._works = {work.partition.number: work for work in works}
        self._moves = {number: work.taken.moved for number, work in self._works.items()}
        self.locks = sorted(self._works) if consumer.aligned else []

    async def run(self, work: UnitOfWork) -> None:
        """Move the checkpoints, and apply records that are not fenced. Raises Fenced if all are, and HandlerFailed."""
        moved = await self._checkpoints.move(work.connection, self._moves)
        if not moved:
            raise Fenced("another process has moved the checkpoint")
        ours = {number: one for number, one in self._works.items() if number in moved}
        self.fenced = [one for number, one in self._works.items() if number not in moved]
        work.withdraw(self._works.keys() - moved)
        self.begun = True
        batch = [received for one in ours.values() for received in one.sorted.batch]
        if batch:
            await handle(self._consumer, work, batch)
        if work.failed:
            if work.failed.keys() >= ours.keys():
                raise failure_of(work.failed)
            await self._checkpoints.take_back(work.connection, {number: self._moves[number] for number in work.failed})
            work.withdraw(work.failed)
        self.applied = [one for number, one in ours.items() if number not in work.failed]
        self.failed = [(ours[number], error) for number, error in work.failed.items()]
        for one in self.applied:
            await one.sorted.write(work)
        await flush(work)

    def committed(self) -> None:
        """Remember what has been written, once it is committed."""
        self._checkpoints.committed({one.partition.number: one.taken.moved for one in self.applied})
        for one in self.applied:
            one.partition.held.committed(one.sorted)

    def put_back(self, works: Iterable[PartitionBatch]) -> None:
        """Return the records of `works` to their lanes, before the others."""
        for one in works:
            assert one.partition.lane is not None
            one.partition.lane.put_back(one.taken, self._checkpoints.current)


async def handle(consumer: Consumer, work: UnitOfWork, batch: Sequence[Received]) -> None:
    """Give a batch to the handler. Raises HandlerFailed if its code fails."""
    try:
        with traced(consumer.name, batch):
            await consumer.handler.handle(work, batch)
    except Exception as error:
        if _passes(error):
            raise
        raise HandlerFailed from error


async def flush(work: UnitOfWork) -> None:
    """Write what a handler has appended. Raises HandlerFailed if it cannot be written."""
    try:
        await work.flush()
    except Exception as error:
        if _passes(error):
            raise
        raise HandlerFailed from error


def _passes(error: Exception) -> bool:
    """Return whether the cause of the error is not the handler's code."""
    return is_passing(error) or isinstance(error, Fenced | UnsafeToRun)


def failure_of(failed: Mapping[int, Exception]) -> Exception:
    """Return the error to raise for a unit of work in which every partition number failed."""
    error = next(iter(failed.values()))
    if _passes(error):
        return error
    failure = HandlerFailed()
    failure.__cause__ = error
    return failure


def reason_of(error: BaseException | None) -> str:
    """Return the first line of an error, at most 500 characters: PostgreSQL quotes the row in the next line."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:500]
