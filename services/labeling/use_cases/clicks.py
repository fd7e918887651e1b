"""Counts clicks, assigns the labels of their links, and carries out the commands of workflows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from services.labeling.domain.assignments import AssertLabel, Pair
from services.labeling.domain.assignments import RemoveLabel as RemoveLabelCommand
from services.labeling.domain.contact_changes import ContactKey
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.labels import Label
from services.labeling.metrics import COMMANDS_REFUSED
from services.labeling.store.contacts import erased_among
from services.labeling.store.labels import labels_of_ids
from services.labeling.use_cases import assignment_changes, contact_changes
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from services.labeling.use_cases.contact_changes import load_contacts, record_contacts
from shared.bus.received import Received
from shared.events.tracking import ContactClicked
from shared.events.workflow import AssignLabel, RemoveLabel, SetField
from shared.metrics import RECORDS_DROPPED
from shared.store.unit_of_work import UnitOfWork

log = structlog.get_logger()


async def apply_clicks_and_commands(work: UnitOfWork, batch: Sequence[Received]) -> None:
    """Apply the clicks and commands of a batch in their order, with a few statements for thousands of records.

    This is the most frequently run code of the service, so the work per click is minimal.
    """
    effective = [received for received in batch if _has_effect(received.event)]
    by_id = await labels_of_ids(work.connection, _label_ids(effective))
    labels = {label_id.int: label for label_id, label in by_id.items()}
    pairs, contact_keys = _touched(effective, labels)
    erased = await erased_among(work.connection, contact_keys)
    commanded = {
        (event.account_id, event.contact_id) for event in _events(effective) if type(event) is not ContactClicked
    }
    contacts = await load_contacts(work, commanded)
    assignments = await load_assignments(work, pairs)
    for received in effective:
        event = received.event
        if erased and (event.account_id, event.contact_id) in erased:
            RECORDS_DROPPED.labels(received.topic, "erased").inc()
        elif type(event) is ContactClicked:
            _apply_click(assignments, labels, event, received)
        elif contacts.find((event.account_id, event.contact_id)) is None:
            COMMANDS_REFUSED.labels("unknown_contact").inc()
        elif type(event) is SetField:
            _set_field(contacts, event, received)
        else:
            _apply_command(assignments, labels, event, received)
    await record_contacts(work, contacts)
    await record_assignments(work, assignments)


def _has_effect(event: object) -> bool:
    """Return whether an event is a command, or a human click on a link with labels in a send other than a test."""
    if type(event) is ContactClicked:
        return bool(event.labels and event.verdict == "human" and (event.send is None or event.send.kind != "test"))
    return type(event) in (AssignLabel, RemoveLabel, SetField)


def _events(batch: Iterable[Received]) -> Iterator[Any]:
    return (received.event for received in batch)


def _label_ids(batch: Sequence[Received]) -> set[UUID]:
    label_ids: dict[int, UUID] = {}  # by integer value, because hashing a UUID calls Python code
    for event in _events(batch):
        if type(event) is ContactClicked:
            for label in event.labels:
                label_ids[label.id.int] = label.id
        elif type(event) is not SetField:
            label_ids[event.label_id.int] = event.label_id
    return set(label_ids.values())


def _touched(batch: Sequence[Received], labels: Mapping[int, Label]) -> tuple[set[Pair], set[ContactKey]]:
    """Return the pairs of label and contact that the batch may change, and the contacts."""
    pairs: set[Pair] = set()
    contacts: set[ContactKey] = set()
    for event in _events(batch):
        account_id, contact_id = event.account_id, event.contact_id
        contacts.add((account_id, contact_id))
        if type(event) is ContactClicked:
            for reference in event.labels:
                label = labels.get(reference.id.int)
                if label is not None:
                    pairs.add((label.no, contact_id))
        elif type(event) is not SetField:
            label = labels.get(event.label_id.int)
            if label is not None:
                pairs.add((label.no, contact_id))
    return pairs, contacts


def _apply_click(
    assignments: assignment_changes.Changes, labels: Mapping[int, Label], event: ContactClicked, received: Received
) -> None:
    counted: set[int] | None = None if len(event.labels) == 1 else set()  # numbers of labels
    for reference in event.labels:
        label = labels.get(reference.id.int)
        # A label that was deleted since the click no longer counts; tracking checked the account.
        if label is None or label.state == "deleted" or label.account_id != event.account_id:
            continue
        if counted is not None:
            # If two labels of the link were merged, both references are to the remaining label: count the click once.
            if label.no in counted:
                continue
            counted.add(label.no)
        assignments.click(event, label, received)


def _apply_command(
    assignments: assignment_changes.Changes,
    labels: Mapping[int, Label],
    event: AssignLabel | RemoveLabel,
    received: Received,
) -> None:
    label = labels.get(event.label_id.int)
    if label is None or label.account_id != event.account_id:
        COMMANDS_REFUSED.labels("unknown_label").inc()
        log.warning("command names an unknown label", label_id=str(event.label_id))
        return
    command = (AssertLabel if isinstance(event, AssignLabel) else RemoveLabelCommand)(event.origin, event.occurred_at)
    if label.state == "deleted":
        COMMANDS_REFUSED.labels("deleted_label").inc()
        assignments.refuse(event.contact_id, label, command, "label_deleted", received)
    else:
        assignments.apply(event.contact_id, label, command, received)


def _set_field(contacts: contact_changes.Changes, event: SetField, received: Received) -> None:
    patch = {"fields": {event.field_key: event.value}}
    try:
        contacts.change((event.account_id, event.contact_id), patch, event.occurred_at, event.origin, cause=received)
    except InvalidError:
        # The error may quote the value, which may be personal data, so it is not logged.
        COMMANDS_REFUSED.labels("field").inc()
        log.warning("command sets a field to an invalid value", field=event.field_key)
