"""Events that tests append in a unit of work, and the cause of such events."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.events.labeling import ContactChanged, LabelAssigned, LabelChanged
from shared.events.parts import Origin

DOGS = UUID("0194f000-0000-7000-8000-000000000001")


def assigned(work_now: datetime, contact: int) -> LabelAssigned:
    return LabelAssigned(
        occurred_at=work_now, account_id=1, contact_id=contact, label_id=DOGS, label_name="Dogs",
        origin=Origin(kind="manual"),
    )  # fmt: skip


def contact_changed(work_now: datetime, contact: int) -> ContactChanged:
    return ContactChanged(
        occurred_at=work_now, account_id=1, contact_id=contact, external_id=None, email="an@example.org",
        fields={"city": "Gent"}, state="active", subscription="subscribed", tracking_consent="unknown",
    )  # fmt: skip


def label_changed(work_now: datetime, description: str = "") -> LabelChanged:
    return LabelChanged(
        occurred_at=work_now, account_id=1, label_id=DOGS, label_name="Dogs", description=description,
        visibility="private",
    )  # fmt: skip


class CausingEvent(NamedTuple):
    """The cause of an event."""

    event_id: str
    correlation_id: str | None = None
    trace: str | None = None
