"""Finds the run that caused an event, so that loops of workflows are detected and shown."""

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

# Engagements that machines report about a message of a run. Actions of humans start a new chain.
_REPORTS = frozenset({"message.sent", "message.delivered", "message.bounced"})


class Ancestry:
    """The runs that caused the events of a batch.

    Label events name the run in their origin, reports about a message in their send; other events are caused by an
    event that a run caused.
    """

    def __init__(self) -> None:
        self._run_of: dict[UUID, UUID] = {}
        self._depths: dict[UUID, int] = {}

    async def load(self, connection: PoolConnectionProxy, batch: Sequence[ConsumedEvent]) -> None:
        """Load the runs and events to which the batch refers."""
        following = [seen for seen in batch if _follows_by_cause(seen.event)]
        causes = {cause for seen in following if (cause := seen.causation_id) is not None}
        if causes:
            self._run_of = await runs.causing_runs(connection, causes)
        named = {named for seen in batch if (named := _named_run(seen.event)) is not None}
        if named or self._run_of:
            self._depths = await runs.depths(connection, named | set(self._run_of.values()))

    def follow(self, seen: ConsumedEvent) -> FollowingEvent | None:
        """Return the event as one that a run caused; None if no run did, or if it is only a report."""
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
        """Return the depth of a run that this event would start."""
        run = self._run_of.get(seen.event.event_id) or _named_run(seen.event)
        return 0 if run is None or run not in self._depths else self._depths[run] + 1


def run_clicked(event: ContactEvent) -> tuple[UUID, UUID] | None:
    """Return the run and the message of a human click in a run's message; None for any other event."""
    if not isinstance(event, ContactClicked) or event.verdict != "human":
        return None
    if event.send is None or event.send.kind != "workflow":
        return None
    try:
        return UUID(event.send.id), event.message_id
    except ValueError:
        return None  # a send of another system


_BY_CAUSE = frozenset({SegmentEntered, SegmentLeft, ContactChanged})
_NAMING_A_RUN = frozenset({LabelAssigned, LabelRemoved, ContactEngaged})


def _follows_by_cause(event: ContactEvent) -> bool:
    return type(event) in _BY_CAUSE


def _named_run(event: ContactEvent) -> UUID | None:
    if type(event) not in _NAMING_A_RUN:
        return None
    if isinstance(event, LabelAssigned | LabelRemoved):
        return event.origin.run_id if event.origin.kind == "workflow" else None
    if isinstance(event, ContactEngaged) and event.kind in _REPORTS and event.send and event.send.kind == "workflow":
        try:
            return UUID(event.send.id)
        except ValueError:
            return None  # a send of another system
    return None
