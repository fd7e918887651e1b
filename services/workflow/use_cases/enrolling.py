"""Enrols contacts that are already in a segment or hold a label, for triggers with `include_existing`."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from services.workflow.domain.definitions import AnyTrigger, Definition
from services.workflow.domain.facts import StoredFacts
from services.workflow.domain.merged_labels import NONE_MERGED, MergedLabels
from services.workflow.domain.program import Program
from services.workflow.domain.runs import Causation, ConsumedEvent
from services.workflow.domain.triggers import OnLabel, OnSegment
from services.workflow.store import backlog
from services.workflow.store.contacts import Existing
from services.workflow.store.definitions import StoredWorkflow
from services.workflow.use_cases.service import WorkflowService
from shared.events.envelope import ContactEvent
from shared.events.labeling import LabelAssigned
from shared.events.parts import Origin
from shared.events.segmentation import SegmentEntered
from shared.store.unit_of_work import UnitOfWork


async def enrol_existing(service: WorkflowService, work: UnitOfWork, workflow: StoredWorkflow) -> None:
    """Begin the enrolment for the current version if it has such triggers, and end others; ticks enrol the contacts."""
    if existing_of(workflow.definition):
        await backlog.begin_enrolment(work.connection, workflow.workflow_id, service.partitions, workflow.version)
    else:
        await backlog.end_enrolments(work.connection, workflow.workflow_id)


def existing_of(definition: Definition, merged: MergedLabels = NONE_MERGED) -> Existing:
    """Return the segments and labels of triggers with `include_existing`, including labels merged with these."""
    triggers = list(_including_existing(definition.triggers))
    return Existing(
        segments=tuple(trigger.segment for trigger in triggers if isinstance(trigger, OnSegment)),
        labels=merged.all_alike(trigger.label for trigger in triggers if isinstance(trigger, OnLabel)),
    )


def _including_existing(triggers: tuple[AnyTrigger, ...]) -> Iterator[OnSegment | OnLabel]:
    for trigger in triggers:
        if not isinstance(trigger, OnSegment | OnLabel):
            continue
        if trigger.include_existing and trigger.on in ("SegmentEntered", "LabelAssigned"):
            yield trigger


def events_of_existing(
    program: Program, existing: Existing, contact_id: int, facts: StoredFacts, now: datetime
) -> Iterator[ConsumedEvent]:
    """Yield the events by which an existing contact starts a run, as if they were recorded now.

    Their ids are deterministic, so that a replay starts nothing twice.
    """
    account_id = program.account_id
    for segment in existing.segments:
        entered = facts.entered_by(segment)
        if entered is not None:
            yield _consumed(
                SegmentEntered(
                    event_id=entered,
                    occurred_at=now,
                    account_id=account_id,
                    contact_id=contact_id,
                    segment_id=segment,
                    segment_name="",
                    reason="definition",
                ),
                now,
            )
    for label in existing.labels:
        since = facts.label_since(label)
        if since is not None:
            yield _consumed(
                LabelAssigned(
                    event_id=_assignment_id(account_id, contact_id, label, since.toordinal()),
                    occurred_at=now,
                    account_id=account_id,
                    contact_id=contact_id,
                    label_id=label,
                    label_name="",
                    origin=Origin(kind="existing"),
                ),
                now,
            )


def _consumed(event: ContactEvent, now: datetime) -> ConsumedEvent:
    return ConsumedEvent(event, now, Causation(str(event.event_id)))


def _assignment_id(account_id: int, contact_id: int, label: UUID, day: int) -> UUID:
    """Return an id for an assignment of which only the day is known."""
    subject = f"{account_id}:{contact_id}:{label}:{day}".encode()
    return UUID(bytes=blake2b(subject, digest_size=16, person=b"penchant holds").digest(), version=5)
