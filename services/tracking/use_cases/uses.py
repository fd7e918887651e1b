"""Finds the uses of a message: workflows that send it, campaigns, and criteria that name it or one of its links."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from services.tracking.store.messages import StoredMessage
from shared.bus.catalog import Catalog
from shared.events.segmentation import CampaignChanged, SegmentChanged
from shared.events.tracking import MessageChanged
from shared.events.workflow import WorkflowChanged
from shared.uses import Use


def uses_of_message(catalog: Catalog, message: StoredMessage) -> list[Use]:
    """Return the uses of the message, according to the catalogs that this process has read."""
    return list(_uses(catalog, message))


def _uses(catalog: Catalog, message: StoredMessage) -> Iterator[Use]:
    ids = {str(message.message_id), *(str(link.id) for link in message.links)}
    for workflow in catalog.all(WorkflowChanged, message.account_id):
        if workflow.state != "deleted" and (
            message.message_id in workflow.uses.messages or _contains_id(workflow.definition, ids)
        ):
            yield Use("workflow", str(workflow.workflow_id), workflow.workflow_name)
    for segment in catalog.all(SegmentChanged, message.account_id):
        if segment.state != "deleted" and _contains_id(segment.criterion, ids):
            yield Use("segment", str(segment.segment_id), segment.segment_name)
    for campaign in catalog.all(CampaignChanged, message.account_id):
        audience = (campaign.audience.include, campaign.audience.exclude)
        if not campaign.is_over and (campaign.message_id == message.message_id or _contains_id(audience, ids)):
            yield Use("campaign", str(campaign.campaign_id), campaign.campaign_name)
    yield from _block_uses(catalog, message, ids)


def _block_uses(catalog: Catalog, message: StoredMessage, ids: set[str]) -> Iterator[Use]:
    for other in catalog.all(MessageChanged, message.account_id):
        if other.state != "deleted" and other.message_id != message.message_id:
            for block in other.blocks:
                if any(_contains_id(variant.criterion, ids) for variant in block.variants):
                    yield Use("block", f"{other.message_id}/{block.block}", f"{other.message_name}: {block.block}")


def _contains_id(node: object, ids: set[str]) -> bool:
    """Return whether an id occurs anywhere in a definition."""
    pending: list[object] = [node]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, list | tuple):
            pending += value
        elif (isinstance(value, str) and value in ids) or (isinstance(value, UUID) and str(value) in ids):
            return True
    return False
