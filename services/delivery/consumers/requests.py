"""The consumer of contacts and requests."""

from collections.abc import Callable, Sequence

from services.delivery.use_cases.requests import take
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork

TOPICS = ("labeling.contacts", "labeling.messages", "segmentation.messages", "workflow.messages")


class RequestHandler(Handler):
    """Writes contacts, and queues requested mails. `requested` is called when mails may have been queued."""

    def __init__(self, requested: Callable[[], None]) -> None:
        self._requested = requested

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply a batch of contacts and requests."""
        await take(work.connection, [received.event for received in batch], work.now)
        work.after_commit(self._requested)
