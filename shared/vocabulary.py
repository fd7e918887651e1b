"""The descriptions of properties that have one meaning wherever they occur, with an example.

One word per concept: `contact_id` is a contact's id in every request, answer and event, so it is described once. A name
with a meaning in one place only is described there.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Word(NamedTuple):
    """The description of a name, and a value from the world that all examples share."""

    meaning: str
    example: Any = None


WORDS: Mapping[str, Word] = {
    "account_id": Word("The account.", 7),
    "attributes": Word("Further properties by name, without personal data.", {"pets": 2}),
    "block": Word("The name of a block of the message.", "hero"),
    "campaign_id": Word("The campaign.", "0190d4f1-22aa-7b01-8c3d-4e5f60718293"),
    "caused_at": Word("When the event that caused it happened, which may be long ago.", "2026-03-01T12:00:00Z"),
    "changed_at": Word("When it was last changed.", "2026-03-02T09:30:00Z"),
    "choices": Word("The values of a field of type `choice`.", ["small", "large"]),
    "click_id": Word("The click.", "0190d500-0c1c-7d2e-8f3a-4b5c6d7e8f90"),
    "contact_id": Word("The contact.", 1042),
    "created_at": Word("When it was created.", "2026-02-20T08:15:00Z"),
    "delivered_at": Word("When the mail was delivered.", "2026-03-01T10:00:05Z"),
    "email": Word("The e-mail address.", "anna@example.com"),
    "ended_at": Word("When it ended; null until then.", "2026-03-04T12:00:00Z"),
    "errors": Word("The faults, one entry for each.", []),
    "event_id": Word("A UUIDv7 that identifies the event.", "0190d501-1a2b-7c3d-8e4f-5a6b7c8d9e0f"),
    "expires_at": Word("The message is not sent after this time.", "2026-03-03T10:00:00Z"),
    "external_id": Word("The contact's id in the customer's own system.", "crm-1042"),
    "first_click": Word("The first human click on a link with the label.", "2026-02-21T18:40:00Z"),
    "form_id": Word("The form.", "0190d502-3344-7a5b-8c6d-7e8f90a1b2c3"),
    "history": Word("True for historical events: they are counted and assign labels, but start no workflow.", False),
    "ip": Word("The address from which the request came.", "203.0.113.9"),
    "key_id": Word("The API key.", "0190c1b0-5f60-7a7b-8c9d-0e1f2a3b4c5d"),
    "label_id": Word("The label.", "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"),
    "label_name": Word("The label's name at that time.", "Dogs"),
    "language": Word("The contact's preferred language.", "nl"),
    "last_click": Word("The last human click on a link with the label.", "2026-03-01T12:00:00Z"),
    "launched_at": Word("When the campaign was launched.", "2026-03-01T10:00:00Z"),
    "link_id": Word("The link.", "0190c2b1-10aa-7bbb-8ccc-1d2e3f405162"),
    "message_id": Word("The message.", "0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"),
    "method": Word("The HTTP method of the request.", "GET"),
    "next_cursor": Word("`cursor` for the next page; null on the last one."),
    "occurred_at": Word("When it happened, in UTC.", "2026-03-01T12:00:00Z"),
    "origin": Word("What assigned or removed the label.", {"kind": "manual", "ref": "Spring fair"}),
    "pointer": Word("JSON pointer to the place.", "/criterion"),
    "preheader": Word("The text that mail programs show after the subject.", "Ten tips for the first week"),
    "reasons": Word("The rules that led to the verdict.", []),
    "recorded_at": Word("When Penchant recorded it.", "2026-03-01T12:00:01Z"),
    "ref": Word("The customer's name for the form, survey, page or file.", "contest-spring"),
    "reply_to": Word("The address for replies, if it is not the sender's.", "shop@example.com"),
    "revision": Word("Increases by one with each change of the message.", 3),
    "revoked": Word("Whether the key was revoked.", False),
    "run_id": Word("The run of a workflow.", "0190d600-7788-7999-8aaa-bbccddeeff00"),
    "scopes": Word("What the key may do.", ["read", "write"]),
    "segment_id": Word("The segment.", "0190c3d0-4455-7666-8777-8899aabbccdd"),
    "segment_name": Word("The segment's name at that time.", "Dog lovers"),
    "send": Word("The send that the message belongs to."),
    "send_at": Word("When the campaign is launched automatically.", "2026-03-01T10:00:00Z"),
    "sent_at": Word("When the send began.", "2026-03-01T10:00:00Z"),
    "source": Word("Where the contact was acquired.", "web shop"),
    "started_at": Word("When it started.", "2026-03-01T12:00:01Z"),
    "step_id": Word("The id of a step of the workflow.", "guide"),
    "subject": Word("The subject of the mail.", "A guide for puppies"),
    "subscription": Word(
        "The subscription of the contact; only `subscribed` contacts are sent messages.", "subscribed"
    ),
    "time_zone": Word("IANA name of the time zone of the account's days.", "Europe/Amsterdam"),
    "token": Word(
        "The signed part after `/c/` in tracked links, which identifies the message, the send and the contact.",
        "AZDCoq8Z…",
    ),
    "topic": Word("The Kafka topic, without its prefix.", "tracking.clicks"),
    "total": Word("The total number of items; null if they are not counted.", 1),
    "tracking_consent": Word("Whether the contact consents to tracking.", "granted"),
    "url": Word("The target of the link.", "https://shop.example/puppy-food"),
    "user_agent": Word("The `User-Agent` of the request.", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0"),
    "variant": Word("The name of a variant of the block; empty for the fallback.", "dogs"),
    "verdict": Word("Whether a human or a machine made the request.", "human"),
    "visibility": Word("`public`: contacts see the label and may choose it themselves.", "public"),
    "workflow_id": Word("The workflow.", "0190d5ff-1122-7333-8444-556677889900"),
}
