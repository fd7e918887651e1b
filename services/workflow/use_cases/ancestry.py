"""From which run an event followed, so that a loop of workflows is seen, and shown."""

from collections.abc import Sequence
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.runs import ConsumedEvent
from services.workflow.store import runs
from services.workflow.store.runs import FollowingEvent
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved
from shared.events.segmentation import SegmentEntered, SegmentLeft
from shared.events.tracking import ContactClicked

# What machines report of a message that a run asked for. What a human does with it is the human's own doing.
_REPORTS = frozenset({"message.sent", "message.delivered", "message.bounced"})


class Ancestry:
    """The runs that the events of a batch follow from.

    A label says it in its origin, a report on a message in its send; for the others it is the event that they follow
    from, which followed from a run itself.
    """

    def __init__(self) -> None:
        self._run_of: dict[UUID, UUID] = {}
        self._depths: dict[UUID, int] = {}

    async def load(self, connection: PoolConnectionProxy, batch: Sequence[ConsumedEvent]) -> None:
        """Read what the batch refers to."""
        following = [seen for seen in batch if _follows_by_cause(seen.event)]
        causes = {cause for seen in following if (cause := seen.causation_id) is not None}
        if causes:
            self._run_of = await runs.followed_by(connection, causes)
        named = {named for seen in batch if (named := _named_run(seen.event)) is not None}
        if named or self._run_of:
            self._depths = await runs.depths(connection, named | set(self._run_of.values()))

    def follow(self, seen: ConsumedEvent) -> FollowingEvent | None:
        """Return the event as one that followed from a run; None if it did not, or is but a report."""
        event = seen.event
        run = _named_run(event)
        if run is None and not self._run_of:
            return None
        if run is None and _follows_by_cause(event) and (cause := seen.causation_id) is not None:
            run = self._run_of.get(cause)
        if run is None or run not in self._depths or isinstance(event, ContactEngaged):
            return None
        self._run_of[event.event_id] = run
        step = event.origin.step_id if isinstance(event, LabelAssigned | LabelRemoved) else None
        return FollowingEvent(event.event_id, run, step, event.name, seen.causation, event.occurred_at, False)

    def depth(self, seen: ConsumedEvent) -> int:
        """Return how many runs led to a run that this event starts."""
        run = self._run_of.get(seen.event.event_id) or _named_run(seen.event)
        return 0 if run is None or run not in self._depths else self._depths[run] + 1


def run_clicked(event: ContactEvent) -> tuple[UUID, UUID] | None:
    """Return the run and the message of a human click on what a run sent; None for anything else."""
    if not isinstance(event, ContactClicked) or event.verdict != "human":
        return None
    if event.send is None or event.send.kind != "workflow":
        return None
    try:
        return UUID(event.send.id), event.message_id
    except ValueError:
        return None  # somebody else's name for a send


_BY_CAUSE = frozenset({SegmentEntered, SegmentLeft, ContactChanged})
_NAMING = frozenset({LabelAssigned, LabelRemoved, ContactEngaged})


def _follows_by_cause(event: ContactEvent) -> bool:
    return type(event) in _BY_CAUSE


def _named_run(event: ContactEvent) -> UUID | None:
    if type(event) not in _NAMING:
        return None
    if isinstance(event, LabelAssigned | LabelRemoved):
        return event.origin.run_id if event.origin.kind == "workflow" else None
    if isinstance(event, ContactEngaged) and event.kind in _REPORTS and event.send and event.send.kind == "workflow":
        try:
            return UUID(event.send.id)
        except ValueError:
            return None  # somebody else's name for a send
    return None
