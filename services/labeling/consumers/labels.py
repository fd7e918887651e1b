"""Clicks and commands become labels held, counts, and events (topics tracking.clicks and workflow.commands)."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import structlog

from services.labeling.domain.assignments import AssertLabel
from services.labeling.domain.assignments import RemoveLabel as RemoveLabelCommand
from services.labeling.domain.problems import InvalidError
from services.labeling.metrics import COMMANDS_REFUSED
from services.labeling.store.assignments import Ledger, Pair
from services.labeling.store.contacts import ContactBook, erased_among
from services.labeling.store.labels import Label, labels_of_ids
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.tracking import ContactClicked
from shared.events.workflow import AssignLabel, RemoveLabel, SetField
from shared.metrics import RECORDS_DROPPED
from shared.store.unit_of_work import UnitOfWork

log = structlog.get_logger()


def labels_named(event: object) -> Iterator[UUID]:
    """The labels that a record may assign or take away: those of a human click that is no test, or a command's."""
    if isinstance(event, ContactClicked):
        if counts(event):
            for label in event.labels:
                yield label.id
    elif isinstance(event, AssignLabel | RemoveLabel):
        yield event.label_id


def counts(click: ContactClicked) -> bool:
    """Whether a click counts and labels: it was a person's, and not on a test of the message."""
    return click.verdict == "human" and (click.send is None or click.send.kind != "test")


class LabelHandler(Handler):
    """Folds a batch over the assignments that it touches; a few statements for thousands of clicks."""

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Applies clicks and commands in their order."""
        label_ids = {label_id for received in batch for label_id in labels_named(received.event)}
        labels = await labels_of_ids(work.connection, label_ids)
        gone = await erased_among(
            work.connection, {(received.event.account_id, received.event.contact_id) for received in batch}
        )
        named = [received.event for received in batch if isinstance(received.event, SetField)]
        book = await ContactBook.open(work, {(event.account_id, event.contact_id) for event in named})
        ledger = await Ledger.open(work, _pairs(batch, labels))
        for received in batch:
            event = received.event
            if gone and (event.account_id, event.contact_id) in gone:
                RECORDS_DROPPED.labels(received.topic, "erased").inc()
            elif isinstance(event, ContactClicked):
                if counts(event):
                    _click(ledger, labels, event, received)
            elif isinstance(event, AssignLabel | RemoveLabel):
                _command(ledger, labels, event, received)
            elif isinstance(event, SetField):
                _set_field(book, event, received)
        await book.write()
        await ledger.write()


def _pairs(batch: Sequence[Received], labels: Mapping[UUID, Label]) -> set[Pair]:
    pairs = set()
    for received in batch:
        event = received.event
        for label_id in labels_named(event):
            label = labels.get(label_id)
            if label is not None and label.account_id == event.account_id:
                pairs.add((label.account_id, label.no, event.contact_id))
    return pairs


def _click(ledger: Ledger, labels: Mapping[UUID, Label], event: ContactClicked, received: Received) -> None:
    for reference in event.labels:
        label = labels.get(reference.id)
        # A label deleted since the click has nothing to count any more; tracking checked the account.
        if label is not None and label.state != "deleted" and label.account_id == event.account_id:
            ledger.click(event, label, received)


def _command(
    ledger: Ledger, labels: Mapping[UUID, Label], event: AssignLabel | RemoveLabel, received: Received
) -> None:
    label = labels.get(event.label_id)
    if label is None or label.account_id != event.account_id:
        COMMANDS_REFUSED.labels("unknown_label").inc()
        log.warning("command names a label that the account does not have", label_id=str(event.label_id))
        return
    command = (AssertLabel if isinstance(event, AssignLabel) else RemoveLabelCommand)(event.origin, event.occurred_at)
    if label.state == "deleted":
        COMMANDS_REFUSED.labels("deleted_label").inc()
        ledger.refuse(event.account_id, event.contact_id, label, command, "label_deleted", received)
    else:
        ledger.apply(event.account_id, event.contact_id, label, command, received)


def _set_field(book: ContactBook, event: SetField, received: Received) -> None:
    try:
        book.change((event.account_id, event.contact_id), {"fields": {event.field_key: event.value}}, received)
    except InvalidError as problem:
        COMMANDS_REFUSED.labels("field").inc()
        log.warning("command sets a field that cannot be set", field=event.field_key, reason=problem.detail)
