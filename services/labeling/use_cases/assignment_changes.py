"""Load the assignments that a unit of work may change, and write the decisions with their events."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from services.labeling.domain.assignment_changes import AssignmentChanges, AssignmentDecision
from services.labeling.domain.assignments import Pair
from services.labeling.domain.labels import Label
from services.labeling.store.assignments import assignments_of_pairs, labels_given_back, write_assignments
from services.labeling.store.history import encode_origin, insert_history
from shared.bus.received import Received
from shared.events.labeling import LabelAssigned, LabelRemoved
from shared.events.tracking import ContactClicked
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

Changes = AssignmentChanges[Received]


async def load_assignments(work: UnitOfWork, pairs: Collection[Pair]) -> Changes:
    """Load the assignments of `pairs`, under the lock of their partition numbers."""
    return AssignmentChanges(await assignments_of_pairs(work.connection, pairs))


async def record_assignments(work: UnitOfWork, changes: Changes) -> None:
    """Write the assignments and the history, and append the events."""
    pairs = [(decision.label.no, decision.contact_id) for decision in changes.decisions if decision.gives_back]
    given_back = await labels_given_back(work.connection, pairs) if pairs else {}
    history = [
        _append_click(work, decision, decision.click)
        if decision.origin is None
        else _append_decision(work, decision, given_back)
        async for decision in yielding(changes.decisions)
    ]
    await write_assignments(work.connection, changes.stored, changes.states, changes.touched)
    await insert_history(work.connection, history)


# `_append_click` and `_append_decision` append the event of a decision, if it has one, and return its entry in the
# history. Entries are plain tuples in the order of `history.NewHistoryEntry`, which take less time to create: this runs
# for every click.
def _append_click(
    work: UnitOfWork, decision: AssignmentDecision[Received], click: ContactClicked | None
) -> tuple[object, ...]:
    contact_id, label, at, outcome, reason, _, _, cause, _ = decision
    assert click is not None
    assert cause is not None
    event_id = _append_assigned_by_click(work, click, label, cause) if outcome == "assigned" else None
    return (
        contact_id,
        label.no,
        at,
        outcome,
        reason,
        click.event_id,
        event_id,
        click.click_id,
        click.message_id,
        click.link_id,
        None,
    )


def _append_assigned_by_click(work: UnitOfWork, click: ContactClicked, label: Label, cause: Received) -> UUID:
    event_id = uuid7()
    # Formatting the JSON directly takes a third of the time; a test compares it with the model's JSON.
    members: dict[str, object] = {
        "event_id": event_id,
        "occurred_at": click.occurred_at,
        "account_id": click.account_id,
        "contact_id": click.contact_id,
        "label_id": label.id,
        "label_name": label.name,
        "origin": {
            "kind": "click",
            "click_id": click.click_id,
            "message_id": click.message_id,
            "link_id": click.link_id,
        },
    }
    if click.history is not None:
        members["history"] = click.history
    body = orjson.dumps(members, option=orjson.OPT_UTC_Z)
    work.append_written(LabelAssigned, body, event_id, click.account_id, click.contact_id, click.occurred_at, cause)
    return event_id


def _append_decision(
    work: UnitOfWork, decision: AssignmentDecision[Received], given_back: Mapping[Pair, tuple[UUID, ...]]
) -> tuple[object, ...]:
    contact_id, label, at, outcome, reason, origin, _, cause, gives_back = decision
    assert origin is not None
    event_id = None
    if outcome in ("assigned", "removed"):
        event = (LabelAssigned if outcome == "assigned" else LabelRemoved)(
            occurred_at=at,
            account_id=label.account_id,
            contact_id=contact_id,
            label_id=label.id,
            label_name=label.name,
            origin=origin,
        )
        if gives_back and isinstance(event, LabelAssigned):
            event = replace(event, given_back=given_back.get((label.no, contact_id)))
        event_id = event.event_id
        work.append(event, cause=cause)
    caused_by = None if cause is None else cause.event.event_id
    return (
        contact_id,
        label.no,
        at,
        outcome,
        reason,
        caused_by,
        event_id,
        None,
        None,
        None,
        encode_origin(origin),
    )
