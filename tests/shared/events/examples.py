"""Example events and records."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.events.codec import Headers, body_of, headers_of
from shared.events.parts import LabelReference, Send
from shared.events.tracking import ContactClicked

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
DOGS = UUID("01900000-0000-7000-8000-0000000000d0")
MESSAGE = UUID("01900000-0000-7000-8000-0000000000a0")
LINK = UUID("01900000-0000-7000-8000-0000000000b0")

CLICK_REPORT = {
    "account_id": 7,
    "external_id": "crm-4711",
    "message_id": str(MESSAGE),
    "url": "https://shop.example/dogs",
    "occurred_at": "2026-03-01T12:00:00Z",
}
ENGAGEMENT_REPORT = {"account_id": 7, "contact_id": 12, "kind": "form.submitted", "occurred_at": "2026-03-01T12:00:00Z"}


def click(**changes: Any) -> ContactClicked:
    """Return a human click on a link about dogs."""
    members: dict[str, Any] = {
        "occurred_at": NOON,
        "account_id": 7,
        "contact_id": 12,
        "click_id": UUID("01900000-0000-7000-8000-0000000000c0"),
        "message_id": MESSAGE,
        "send": Send(kind="campaign", id="spring", sent_at=NOON),
        "link_id": LINK,
        "url": "https://shop.example/dogs",
        "labels": (LabelReference(id=DOGS, name="Dogs"),),
        "verdict": "human",
        "reasons": (),
    }
    return ContactClicked(**members | changes)


def record(event: ContactClicked, sequence: int = 42, after: Mapping[str, int] | None = None) -> tuple[bytes, Headers]:
    """Return the value and the headers of an event on Kafka."""
    headers = headers_of(
        event.type(), event.event_id, "/tracking", event.occurred_at, sequence, after or {}, "request-1", None, None
    )
    return body_of(event), dict(headers)


def reported(event_type: str, **changes: bytes | None) -> Headers:
    """Return the headers of an intake record as other programs write it; None omits a header."""
    headers: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": b"click-1",
        "ce_source": b"/pipeline",
        "ce_type": event_type.encode(),
    }
    return {name: value for name, value in (headers | changes).items() if value is not None}
