"""The members of segments (topic segmentation.memberships), for exports and assignments of segments."""

from collections.abc import Sequence

from services.labeling.use_cases.memberships import follow_memberships
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork


class MembershipHandler(Handler):
    """Store the members of segments.

    `partitions` is the number of partitions of every contact topic.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply a batch of entries and exits."""
        await follow_memberships(work, [received.event for received in batch], self._partitions)
