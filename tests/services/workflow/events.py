"""Events as the other services would publish them, by default about account 1 and contact 7."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved, Scalar
from shared.events.parts import LabelReference, Origin, Send, Verdict
from shared.events.segmentation import Reason, SegmentEntered, SegmentLeft
from shared.events.tracking import ContactClicked

DOGS = UUID("01890000-0000-7000-8000-000000000001")
CATS = UUID("01890000-0000-7000-8000-000000000002")
GUIDE = UUID("01890000-0000-7000-8000-000000000003")
OFFER = UUID("01890000-0000-7000-8000-000000000004")
REGULARS = UUID("01890000-0000-7000-8000-000000000005")
LINK = UUID("01890000-0000-7000-8000-000000000006")

NAMES = {DOGS: "Dogs", CATS: "Cats"}


def now() -> datetime:
    return datetime.now(UTC)


def at(moment: datetime) -> UUID:
    """Return the id of an event that was recorded at that moment."""
    made = uuid7().int & ((1 << 80) - 1)
    return UUID(int=int(moment.timestamp() * 1000) << 80 | made)


def assigned(
    label: UUID = DOGS,
    contact: int = 7,
    when: datetime | None = None,
    origin: Origin | None = None,
    account: int = 1,
    given_back: tuple[UUID, ...] | None = None,
) -> LabelAssigned:
    when = when or now()
    return LabelAssigned(
        event_id=at(when),
        occurred_at=when,
        account_id=account,
        contact_id=contact,
        label_id=label,
        label_name=NAMES.get(label, "?"),
        origin=origin or Origin(kind="click"),
        given_back=given_back,
    )


def removed(
    label: UUID = DOGS, contact: int = 7, when: datetime | None = None, origin: Origin | None = None
) -> LabelRemoved:
    when = when or now()
    return LabelRemoved(
        event_id=at(when),
        occurred_at=when,
        account_id=1,
        contact_id=contact,
        label_id=label,
        label_name=NAMES.get(label, "?"),
        origin=origin or Origin(kind="manual"),
    )


def clicked(
    contact: int = 7,
    labels: tuple[UUID, ...] = (DOGS,),
    message: UUID = GUIDE,
    send: str | None = None,
    when: datetime | None = None,
    verdict: Verdict = "human",
    url: str = "https://shop.example/puppies",
    link: UUID = LINK,
) -> ContactClicked:
    when = when or now()
    return ContactClicked(
        event_id=at(when),
        occurred_at=when,
        account_id=1,
        contact_id=contact,
        click_id=uuid7(),
        message_id=message,
        send=None if send is None else Send(kind="workflow", id=send, sent_at=when),
        link_id=link,
        url=url,
        labels=tuple(LabelReference(id=label, name=NAMES.get(label, "?")) for label in labels),
        verdict=verdict,
        reasons=(),
    )


def engaged(
    kind: str = "form.submitted",
    contact: int = 7,
    ref: str | None = None,
    attributes: dict[str, Scalar] | None = None,
    when: datetime | None = None,
    send: Send | None = None,
) -> ContactEngaged:
    when = when or now()
    return ContactEngaged(
        event_id=at(when),
        occurred_at=when,
        account_id=1,
        contact_id=contact,
        kind=kind,
        ref=ref,
        send=send,
        attributes=attributes or {},
    )


def entered(
    segment: UUID = REGULARS, contact: int = 7, reason: Reason = "event", when: datetime | None = None
) -> SegmentEntered:
    when = when or now()
    return SegmentEntered(
        event_id=at(when),
        occurred_at=when,
        account_id=1,
        contact_id=contact,
        segment_id=segment,
        segment_name="Regulars",
        reason=reason,
    )


def left(
    segment: UUID = REGULARS, contact: int = 7, reason: Reason = "event", when: datetime | None = None
) -> SegmentLeft:
    when = when or now()
    return SegmentLeft(
        event_id=at(when),
        occurred_at=when,
        account_id=1,
        contact_id=contact,
        segment_id=segment,
        segment_name="Regulars",
        reason=reason,
    )


def changed(
    contact: int = 7, fields: dict[str, Scalar] | None = None, when: datetime | None = None, **others: str
) -> ContactChanged:
    when = when or now()
    values: dict[str, Any] = {"state": "active", "subscription": "subscribed", "tracking_consent": "unknown"}
    return ContactChanged(
        event_id=at(when),
        occurred_at=when,
        account_id=1,
        contact_id=contact,
        external_id=None,
        email=None,
        fields=fields or {},
        **values | others,
    )
