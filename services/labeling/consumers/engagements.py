"""Topic intake.engagements."""

from collections.abc import Sequence

from services.labeling.use_cases.engagements import record_engagements
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork

CONSUMER = "engagements"


class EngagementHandler(Handler):
    """Turn reports into engagements, once per account, source and id.

    `partitions` is the number of partitions of every contact topic.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply a batch of reports, about contacts of any partition number."""
        await record_engagements(work, batch, self._partitions)
