"""Campaigns of the test's account: its message, its drafts, and contacts that may not be sent to."""

from typing import Any

from shared.events.labeling import ContactChanged, FieldChanged
from shared.events.tracking import BlockVariant, MessageBlock, MessageChanged, MessageLink
from tests.services.segmentation.rig import ACCOUNT, DOGS, LINK, MESSAGE, NOON, Process, contact

GENT: dict[str, Any] = {"field": {"key": "city", "is": "Gent"}}


def message() -> MessageChanged:
    variants = (BlockVariant(variant="dogs", criterion={"clicks": {"label": str(DOGS)}}),)
    return MessageChanged(
        occurred_at=NOON,
        account_id=ACCOUNT,
        message_id=MESSAGE,
        message_name="Spring",
        revision=3,
        links=(MessageLink(id=LINK, number=1, url="https://shop.example", text="Shop", trackable=True),),
        blocks=(MessageBlock(block="hero", variants=variants, fallback=True),),
    )


FIELD = FieldChanged(occurred_at=NOON, account_id=ACCOUNT, field_key="city", field_name="City", field_type="text")


def contact_with_subscription(contact_id: int, subscription: Any) -> ContactChanged:
    event = contact(contact_id, NOON, city="Gent")
    return ContactChanged(
        **{name: getattr(event, name) for name in ("occurred_at", "account_id", "contact_id", "external_id", "email")},
        fields=event.fields,
        state="active",
        tracking_consent="granted",
        subscription=subscription,
    )


async def draft(process: Process, **more: Any) -> str:
    body = {"name": "Spring", "message_id": str(MESSAGE), "audience": {"include": [GENT]}} | more
    answer = await process.client.post("/v1/campaigns", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "draft"
    return str(answer.json()["id"])


async def state_of(process: Process, campaign_id: str) -> str:
    return str((await process.client.get(f"/v1/campaigns/{campaign_id}")).json()["state"])


async def is_in(process: Process, campaign_id: str, state: str) -> bool:
    return await state_of(process, campaign_id) == state
