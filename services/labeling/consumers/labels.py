"""Clicks and commands become labels held, counts, and events (topics tracking.clicks and workflow.commands)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from services.labeling.domain.assignments import AssertLabel
from services.labeling.domain.assignments import RemoveLabel as RemoveLabelCommand
from services.labeling.domain.problems import InvalidError
from services.labeling.metrics import COMMANDS_REFUSED
from services.labeling.store.assignments import Ledger, Pair
from services.labeling.store.contacts import ContactBook, ContactKey, erased_among
from services.labeling.store.labels import Label, labels_of_ids
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.tracking import ContactClicked
from shared.events.workflow import AssignLabel, RemoveLabel, SetField
from shared.metrics import RECORDS_DROPPED
from shared.store.unit_of_work import UnitOfWork

log = structlog.get_logger()


class LabelHandler(Handler):
    """Folds a batch over the assignments that it touches; a few statements for thousands of clicks.

    What is done per click is kept light: this is the busiest code of the service.
    """

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Applies clicks and commands in their order."""
        counting = [received for received in batch if _counts(received.event)]
        labels = {
            label_id.int: label
            for label_id, label in (await labels_of_ids(work.connection, _label_ids(counting))).items()
        }
        pairs, contacts = _touched(counting, labels)
        gone = await erased_among(work.connection, contacts)
        commanded = {
            (event.account_id, event.contact_id) for event in _events(counting) if type(event) is not ContactClicked
        }
        book = await ContactBook.open(work, commanded)
        ledger = await Ledger.open(work, pairs)
        for received in counting:
            event = received.event
            if gone and (event.account_id, event.contact_id) in gone:
                RECORDS_DROPPED.labels(received.topic, "erased").inc()
            elif type(event) is ContactClicked:
                _click(ledger, labels, event, received)
            elif book.find((event.account_id, event.contact_id)) is None:
                COMMANDS_REFUSED.labels("unknown_contact").inc()
            elif type(event) is SetField:
                _set_field(book, event, received)
            else:
                _command(ledger, labels, event, received)
        await book.write()
        await ledger.write()


def _counts(event: object) -> bool:
    """Whether a record can have an effect: commands, and the clicks of persons that are no test of a message."""
    if type(event) is ContactClicked:
        return bool(event.labels and event.verdict == "human" and (event.send is None or event.send.kind != "test"))
    return type(event) in (AssignLabel, RemoveLabel, SetField)


def _events(batch: Iterable[Received]) -> Iterator[Any]:
    return (received.event for received in batch)


def _label_ids(batch: Sequence[Received]) -> set[UUID]:
    found: dict[int, UUID] = {}  # by number: a UUID's own hash is a call of Python's
    for event in _events(batch):
        if type(event) is ContactClicked:
            for label in event.labels:
                found[label.id.int] = label.id
        elif type(event) is not SetField:
            found[event.label_id.int] = event.label_id
    return set(found.values())


def _touched(batch: Sequence[Received], labels: Mapping[int, Label]) -> tuple[set[Pair], set[ContactKey]]:
    """The pairs of contact and label that the batch may change, and the contacts."""
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


def _click(ledger: Ledger, labels: Mapping[int, Label], event: ContactClicked, received: Received) -> None:
    for reference in event.labels:
        label = labels.get(reference.id.int)
        # A label deleted since the click has nothing to count any more; tracking checked the account.
        if label is not None and label.state != "deleted" and label.account_id == event.account_id:
            ledger.click(event, label, received)


def _command(ledger: Ledger, labels: Mapping[int, Label], event: AssignLabel | RemoveLabel, received: Received) -> None:
    label = labels.get(event.label_id.int)
    if label is None or label.account_id != event.account_id:
        COMMANDS_REFUSED.labels("unknown_label").inc()
        log.warning("command names a label that the account does not have", label_id=str(event.label_id))
        return
    command = (AssertLabel if isinstance(event, AssignLabel) else RemoveLabelCommand)(event.origin, event.occurred_at)
    if label.state == "deleted":
        COMMANDS_REFUSED.labels("deleted_label").inc()
        ledger.refuse(event.contact_id, label, command, "label_deleted", received)
    else:
        ledger.apply(event.contact_id, label, command, received)


def _set_field(book: ContactBook, event: SetField, received: Received) -> None:
    try:
        book.change((event.account_id, event.contact_id), {"fields": {event.field_key: event.value}}, received)
    except InvalidError:
        # What is wrong with it may quote the value, and that may be about a person.
        COMMANDS_REFUSED.labels("field").inc()
        log.warning("command sets a field that cannot be set", field=event.field_key)
