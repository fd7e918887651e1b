"""What a service gives to the bus: which topics, and what to do with a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.bus.checkpoints import Checkpoint
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork

IMMEDIATELY = datetime.min.replace(tzinfo=UTC)  # a time before every reading of a clock


class Handler:
    """What to do with the records of one consumer; one instance per process.

    All calls for one partition number come one after the other. Only `handle` must be written. The partitions of an
    intake topic go together in a few batches at a time, so for those `partition` only numbers the batches.

    A handler that keeps memory per partition number wraps what it does with each in `work.isolate(partition)`: then a
    failure leaves that number out of the unit and drops its memory only.
    """

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """Load what is kept in memory of a partition number that this process reads from now on."""

    async def replay_from(self, work: UnitOfWork, partition: int) -> Mapping[str, Checkpoint] | None:
        """Return where memory begins, per topic, if it is behind the checkpoint: what lies between goes to `replay`."""
        return None

    async def replay(self, partition: int, batch: Sequence[Received]) -> None:
        """Fold records below the checkpoint into memory, without any effect."""

    def caught_up(self, partition: int) -> None:
        """Note that the replay has reached the checkpoint; `handle` comes next."""

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply a batch. Its effect, its events and the checkpoint are one transaction.

        The batch has records of some partition numbers, one number after the other (`received.by_partition`); within
        a number causes come first, each sequence once. For an intake topic they are of any partitions and any
        contacts: decide on doubles first, then `work.lock` the partition numbers. After a failure the same records
        come again in smaller batches.
        """
        raise NotImplementedError

    def due(self, partition: int) -> datetime | None:
        """Return when `tick` should be called next, IMMEDIATELY for now; None if the clock starts nothing.

        "Now" is no answer: the runtime has read its clock before it asks, and would find that moment in the future.
        """
        return None

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Do what is due: all topics have been consumed to the end that they had when it became so.

        A failure is undone, and the partition number opened again; the tick is repeated after a growing pause. So that
        it does not stop the others for long, what fails should be isolated to the one run, segment or job.
        """

    def due_changed(self) -> None:
        """Wake the runtime: `due` may return an earlier time than before. The runtime replaces this method."""

    def dropped(self, partition: int) -> None:
        """Forget the memory of a partition number that is lost or whose transaction failed; `opened` may come again."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A handler, and what it reads.

    `topics` are either contact topics (all with the same partition numbers; in this order where no cause says another)
    or one intake topic. `version` starts a consumer anew, from the beginning, beside its older self.
    """

    name: str
    topics: tuple[str, ...]
    handler: Handler
    version: int = 1

    @property
    def aligned(self) -> bool:
        """Whether a Kafka partition is a partition number of contacts."""
        return not self.topics[0].startswith("intake.")


class HandlerFailed(Exception):
    """The handler's own code failed on a batch; `__cause__` says how."""


class PartitionStopped(Exception):
    """Too many records of the partition cannot be applied; it waits until somebody has looked."""
