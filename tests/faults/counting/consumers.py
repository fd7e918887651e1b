"""The consumer of the counting service."""

from collections.abc import Sequence
from uuid import UUID

from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.labeling import LabelAssigned
from shared.events.parts import Origin
from shared.events.tracking import ContactClicked
from shared.store.queries import queries_of
from shared.store.unit_of_work import UnitOfWork

QUERIES = queries_of(__file__)


class Counting(Handler):
    """Counts clicks per contact and label, and assigns the label at the first; raises on clicks of `fails_on`."""

    def __init__(self, fails_on: int | None) -> None:
        self._fails_on = fails_on

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        causes: dict[tuple[int, int, UUID], Received] = {}
        accounts: list[int] = []
        contacts: list[int] = []
        labels: list[UUID] = []
        for received in batch:
            click = received.event
            if not isinstance(click, ContactClicked):
                continue
            if click.contact_id == self._fails_on:
                raise ZeroDivisionError("poisoned")
            for label in click.labels:
                accounts.append(click.account_id)
                contacts.append(click.contact_id)
                labels.append(label.id)
                causes.setdefault((click.account_id, click.contact_id, label.id), received)
        for account_id, contact_id, label_id in await QUERIES["count_clicks"].fetch(
            work.connection, account_ids=accounts, contact_ids=contacts, label_ids=labels
        ):
            cause = causes[account_id, contact_id, label_id]
            work.append(assigned(cause.event, label_id), cause=cause)


def assigned(click: ContactClicked, label_id: UUID) -> LabelAssigned:
    """Return the event for a contact's first click on a label."""
    name = next(label.name for label in click.labels if label.id == label_id)
    return LabelAssigned(
        occurred_at=click.occurred_at,
        account_id=click.account_id,
        contact_id=click.contact_id,
        label_id=label_id,
        label_name=name,
        origin=Origin(kind="click", click_id=click.click_id, message_id=click.message_id, link_id=click.link_id),
    )
