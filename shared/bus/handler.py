"""What a service passes to the bus: its topics, and the handler of their batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.bus.checkpoints import Checkpoint
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork

IMMEDIATELY = datetime.min.replace(tzinfo=UTC)  # a time before any that a clock returns


class Handler:
    """Handles the records of one consumer; one instance per process.

    Calls for one partition number never overlap. Only `handle` must be implemented. The partitions of an intake topic
    are processed together in a few concurrent batches, so for those `partition` is only the number of the batch.

    A handler that keeps memory per partition number wraps its work for each in `work.isolate(partition)`: a failure
    then excludes only that number from the unit and drops only its memory.

    `ticks_together`: `tick_together` is called for all partition numbers that are due, instead of once for each.
    """

    ticks_together = False

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """Load the memory of a partition number that this process reads from now on."""

    async def replay_from(self, work: UnitOfWork, partition: int) -> Mapping[str, Checkpoint] | None:
        """Return the checkpoint of the loaded memory by topic, if it is behind: records in between go to `replay`."""
        return None

    async def replay(self, partition: int, batch: Sequence[Received]) -> None:
        """Fold records below the checkpoint into memory, without any effect."""

    def caught_up(self, partition: int) -> None:
        """Note that the replay has reached the checkpoint; `handle` comes next."""

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply a batch. Its effect, its events and the checkpoint are one transaction.

        The batch has records of some partition numbers, one number after another (`received.by_partition`). Within a
        number causes come first, and each sequence comes once. For an intake topic the records are of any partitions
        and contacts: detect duplicates first, then `work.lock` the partition numbers. After a failure the same records
        come again in smaller batches.
        """
        raise NotImplementedError

    def due(self, partition: int) -> datetime | None:
        """Return when `tick` should be called next: IMMEDIATELY for at once, None for never.

        Do not return the current time: the runtime has read its clock earlier, so that moment would be in the future.
        """
        return None

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Do the work that is due.

        All topics have been consumed to the ends that they had when it became due. A failure is rolled back, the
        partition number is opened again, and the tick is retried with increasing delays. To avoid delaying other work,
        isolate failures to the one run, segment or job.
        """

    async def tick_together(self, work: UnitOfWork, partitions: Sequence[int], now: datetime) -> None:
        """Do the same as `tick` for several partition numbers, or for one number unless `ticks_together` is set.

        After a failure all of them are opened again, and each ticks alone until it has succeeded once.
        """
        for partition in partitions:
            await self.tick(work, partition, now)

    def due_changed(self) -> None:
        """Wake the runtime: `due` may return an earlier time than before. The runtime replaces this method."""

    def dropped(self, partition: int) -> None:
        """Drop the memory of a partition number that was lost or whose transaction failed; `opened` may follow
        again."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A handler, and the topics that it reads.

    `topics` are either contact topics (all with the same partition numbers; read in this order unless causes require
    another) or one intake topic. A higher `version` is a new consumer that starts from the beginning, independent of
    the older version.
    """

    name: str
    topics: tuple[str, ...]
    handler: Handler
    version: int = 1

    @property
    def aligned(self) -> bool:
        """Whether the topics' partitions are partition numbers of contacts."""
        return not self.topics[0].startswith("intake.")


class HandlerFailed(Exception):
    """The handler's code failed on a batch; `__cause__` is its error."""


class PartitionStopped(Exception):
    """Too many records of the partition cannot be applied; it waits until an operator has dealt with them."""
