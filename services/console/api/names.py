"""Looks up the names of definitions, because pages show names instead of ids."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.console.api.languages import _
from services.console.apis.client import Api, Json, ServiceName


@dataclass(slots=True)
class Names:
    """Names of labels, messages, segments, workflows and campaigns by id, and links by id; loaded once per request."""

    labels: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    links: dict[str, Json] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)
    workflows: dict[str, str] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)

    def label(self, label_id: object) -> str:
        """Return the name of a label."""
        return self.labels.get(str(label_id)) or _("a deleted label")

    def message(self, message_id: object) -> str:
        """Return the name of a message."""
        return self.messages.get(str(message_id)) or _("a deleted message")

    def link(self, link_id: object) -> str:
        """Return the text of a link, or its URL if it has none."""
        link = self.links.get(str(link_id))
        if link is None:
            return _("a link that was removed")
        return str(link["text"]).strip() or str(link["url"])

    def segment(self, segment_id: object) -> str:
        """Return the name of a segment."""
        return self.segments.get(str(segment_id)) or _("a deleted segment")

    def workflow(self, workflow_id: object) -> str:
        """Return the name of a workflow."""
        return self.workflows.get(str(workflow_id)) or _("a deleted workflow")

    def campaign(self, campaign_id: object) -> str:
        """Return the name of a campaign."""
        return self.campaigns.get(str(campaign_id)) or _("a campaign")


async def load_names(api: Api, *kinds: str, messages: Iterable[str] = ()) -> Names:
    """Return the names of all definitions of `kinds`, which are attributes of Names, and of the links of `messages`."""
    paths: Mapping[str, tuple[ServiceName, str]] = {
        "labels": ("labeling", "/v1/labels"),
        "messages": ("tracking", "/v1/messages"),
        "segments": ("segmentation", "/v1/segments"),
        "workflows": ("workflow", "/v1/workflows"),
        "campaigns": ("segmentation", "/v1/campaigns"),
    }
    lists = await asyncio.gather(*(_list(api, *paths[kind]) for kind in kinds))
    names = Names(
        **{kind: {item["id"]: item["name"] for item in items} for kind, items in zip(kinds, lists, strict=True)}
    )
    await load_links(api, names, messages)
    return names


async def load_links(api: Api, names: Names, message_ids: Iterable[str]) -> None:
    """Add the links of these messages."""
    sorted_ids = sorted(set(message_ids))
    for message_id, message in zip(
        sorted_ids, await api.each("tracking", [f"/v1/messages/{one}" for one in sorted_ids]), strict=True
    ):
        if message is not None:
            names.messages[message_id] = message["name"]
            names.links.update({link["id"]: link for link in message["links"]})


async def _list(api: Api, service: ServiceName, path: str) -> list[Json]:
    answer = await api.find(service, path, limit=1000)
    items: list[Json] = [] if answer is None else answer["items"]
    return items
