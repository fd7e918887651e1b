"""Topics tracking.clicks and workflow.commands."""

from collections.abc import Sequence

from services.labeling.use_cases.clicks import apply_clicks_and_commands
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork


class LabelHandler(Handler):
    """Turn clicks and commands into labels, counts and events."""

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply a batch of clicks and commands of one partition number."""
        await apply_clicks_and_commands(work, batch)
