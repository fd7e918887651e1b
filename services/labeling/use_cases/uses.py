"""Finds the users of a label or a field in the catalogs of other services."""

import asyncio
from collections.abc import Callable, Iterator
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.limits import MOST_FORMS
from services.labeling.domain.references import names_field, names_label
from services.labeling.store.forms import forms_of_account
from shared.bus.catalog import Catalog
from shared.events.segmentation import CampaignChanged, SegmentChanged
from shared.events.tracking import MessageChanged
from shared.events.workflow import WorkflowChanged
from shared.uses import Use


async def uses_of_label(
    connection: PoolConnectionProxy, catalog: Catalog, account_id: int, label_id: UUID
) -> list[Use]:
    """Return the links, segments, campaigns, workflows, blocks and forms that name the label, as of now."""
    await catalog.refresh()
    forms, _ = await forms_of_account(connection, account_id, None, MOST_FORMS)
    in_forms = [Use("form", str(form.id), form.definition.name) for form in forms if label_id in form.definition.labels]
    # In a thread, because reading thousands of messages and definitions would block the event loop.
    in_links = await asyncio.to_thread(_in_links, catalog, account_id, label_id)
    in_definitions = await asyncio.to_thread(
        _in_definitions, catalog, account_id, lambda definition: names_label(definition, label_id)
    )
    return [*in_links, *in_definitions, *in_forms]


async def uses_of_field(connection: PoolConnectionProxy, catalog: Catalog, account_id: int, key: str) -> list[Use]:
    """Return the segments, campaigns, workflows, blocks and forms that name the field, as of now."""
    await catalog.refresh()
    forms, _ = await forms_of_account(connection, account_id, None, MOST_FORMS)
    in_forms = [Use("form", str(form.id), form.definition.name) for form in forms if key in form.definition.fields]
    in_definitions = await asyncio.to_thread(
        _in_definitions, catalog, account_id, lambda definition: names_field(definition, key)
    )
    return [*in_definitions, *in_forms]


def _in_links(catalog: Catalog, account_id: int, label_id: UUID) -> list[Use]:
    return [
        Use("link", str(link.id), f"{message.message_name}: {link.text or link.url}")
        for message in _messages(catalog, account_id)
        for link in message.links
        if link.present and any(label.id == label_id for label in link.labels)
    ]


def _messages(catalog: Catalog, account_id: int) -> list[MessageChanged]:
    return [message for message in catalog.all(MessageChanged, account_id) if message.state != "deleted"]


def _in_definitions(catalog: Catalog, account_id: int, names: Callable[[object], bool]) -> list[Use]:
    return list(_iterate_definitions(catalog, account_id, names))


def _iterate_definitions(catalog: Catalog, account_id: int, names: Callable[[object], bool]) -> Iterator[Use]:
    for segment in catalog.all(SegmentChanged, account_id):
        if segment.state != "deleted" and names(segment.criterion):
            yield Use("segment", str(segment.segment_id), segment.segment_name)
    for campaign in catalog.all(CampaignChanged, account_id):
        if not campaign.is_over and names((campaign.audience.include, campaign.audience.exclude)):
            yield Use("campaign", str(campaign.campaign_id), campaign.campaign_name)
    for workflow in catalog.all(WorkflowChanged, account_id):
        if workflow.state != "deleted" and names(workflow.definition):
            yield Use("workflow", str(workflow.workflow_id), workflow.workflow_name)
    for message in _messages(catalog, account_id):
        for block in message.blocks:
            if any(names(variant.criterion) for variant in block.variants):
                yield Use("block", f"{message.message_id}/{block.block}", f"{message.message_name}: {block.block}")
