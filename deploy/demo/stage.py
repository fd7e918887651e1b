"""Sets up the demo: an account with labels, contacts, messages, a segment, a workflow and a campaign."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.command_line.client import ApiProblem, Client, Json, Unreachable
from deploy.command_line.settings import ServiceName
from deploy.demo import cast
from shared.events.codec import rfc3339

Tokens = dict[int, Json]  # by contact


@dataclass(slots=True)
class Stage:
    """The objects that the demo has created, with their ids."""

    account_id: int
    api_key: str
    labels: dict[str, str] = field(default_factory=dict)
    contacts: dict[int, cast.DemoContact] = field(default_factory=dict)
    newsletter: Json = field(default_factory=dict)
    guide: Json = field(default_factory=dict)
    segment: Json | None = None
    workflow: Json | None = None
    new_arrivals: Json = field(default_factory=dict)
    campaign: Json | None = None

    def contact_of(self, person: cast.DemoContact) -> int:
        """Return the person's contact id."""
        return next(contact_id for contact_id, other in self.contacts.items() if other is person)

    def link(self, text: str) -> Json:
        """Return a link of the newsletter, by its text."""
        found: Json = next(link for link in self.newsletter["links"] if link["text"].strip() == text)
        return found

    def variant_link(self, variant: str) -> Json:
        """Return the link that a variant of the campaign's block shows."""
        (block,) = self.new_arrivals["blocks"]
        names = [one["variant"] for one in block["variants"]]
        wanted = block["links"][names.index(variant)]
        found: Json = next(link for link in self.new_arrivals["links"] if link["id"] == wanted)
        return found


async def set_up(client: Client, stage: Stage, shop: str) -> None:
    """Create all objects of the demo; `client` has the account's key."""
    for name, description in cast.LABELS.items():
        body = {"name": name, "description": description, "visibility": "public"}
        stage.labels[name] = (await client.post("labeling", "/v1/labels", body))["id"]
    await _contacts(client, stage)
    stage.newsletter = await _message(client, "Spring at Paws & Co", cast.newsletter(shop))
    stage.guide = await _message(client, "The puppy guide", cast.puppy_guide(shop))
    await client.put(
        "tracking",
        f"/v1/messages/{stage.newsletter['id']}/link-labels",
        {
            link["id"]: [stage.labels[name] for name in cast.LINK_LABELS[link["text"].strip()]]
            for link in stage.newsletter["links"]
            if link["text"].strip() in cast.LINK_LABELS
        },
    )
    stage.segment = await _unless_missing(client, "segmentation", "/v1/segments", _segment(stage))
    stage.workflow = await _unless_missing(client, "workflow", "/v1/workflows", _workflow(stage))
    if stage.workflow is not None:
        await client.post("workflow", f"/v1/workflows/{stage.workflow['id']}/activate")
    await _campaign(client, stage, shop)


async def tokens(client: Client, message: Json, send: Json, contact_ids: Sequence[int]) -> Tokens:
    """Return the tracked links of a send, for each contact."""
    lines = await client.post_for_lines(
        "tracking", f"/v1/messages/{message['id']}/tokens", {"send": send, "contact_ids": list(contact_ids)}
    )
    return {row["contact_id"]: row for row in map(json.loads, lines)}


def spring_send() -> Json:
    """Return the send of the newsletter."""
    return {"kind": "campaign", "id": "spring", "sent_at": rfc3339(datetime.now(UTC))}


async def _contacts(client: Client, stage: Stage) -> None:
    await client.post("labeling", "/v1/fields", {"key": "city", "name": "City", "type": "text"})
    rows = [
        {"email": person.email, "external_id": f"demo-{number}", "fields": {"city": person.city}}
        for number, person in enumerate(cast.PEOPLE, start=1)
    ]
    answer = await client.post("labeling", "/v1/contacts/batch", rows)
    stage.contacts = dict(zip(answer["contact_ids"], cast.PEOPLE, strict=True))


async def _message(client: Client, name: str, html: str) -> Json:
    message: Json = await client.post("tracking", "/v1/messages", {"name": name, "subject": name, "html": html})
    return message


async def _campaign(client: Client, stage: Stage, shop: str) -> None:
    """Create a message whose block shows dogs or cats, and a campaign for the holders of Dogs and those of Cats."""
    body = {
        "name": "New arrivals",
        "html": cast.new_arrivals(shop),
        "subject": "New this week, for {{field.city|you}}",
    }
    stage.new_arrivals = await client.post("tracking", "/v1/messages", body)
    path = f"/v1/messages/{stage.new_arrivals['id']}"
    audiences = {variant: {"label": {"id": stage.labels[name]}} for variant, name in cast.VARIANTS.items()}
    variants = [{"variant": variant, "criterion": criterion} for variant, criterion in audiences.items()]
    await client.put("tracking", f"{path}/blocks/{cast.BLOCK}", {"variants": variants})
    label_ids = [stage.labels[cast.CAMPAIGN_LABEL]]
    links = [link["id"] for link in stage.new_arrivals["links"] if link["trackable"]]
    await client.put("tracking", f"{path}/link-labels", dict.fromkeys(links, label_ids))
    campaign = {
        "name": "New arrivals",
        "message_id": stage.new_arrivals["id"],
        "audience": {"include": list(audiences.values())},
    }
    stage.campaign = await _unless_missing(client, "segmentation", "/v1/campaigns", campaign)


def _segment(stage: Stage) -> Json:
    return {
        "name": "Dog lovers",
        "criterion": {"clicks": {"label": stage.labels["Dogs"], "at_least": 3, "within_days": 30}},
    }


def _workflow(stage: Stage) -> Json:
    return {
        "name": "Puppy guide",
        "triggers": [{"on": "LabelAssigned", "label": stage.labels["Dogs"]}],
        "steps": [
            {"id": "guide", "send": {"message": stage.guide["id"]}},
            {
                "wait_for": {
                    "any": [{"on": "ContactClicked", "send": "this_run"}],
                    "at_most": {"days": 3},
                    "then": [{"assign_label": {"label": stage.labels["Nurtured"]}}],
                    "else": [],
                }
            },
        ],
    }


async def _unless_missing(client: Client, service: ServiceName, path: str, body: object) -> Json | None:
    """Return the created object; None if the service is not running, or does not support it."""
    if not client.knows(service):
        return None
    try:
        created: Json = await client.post(service, path, body)
    except Unreachable:
        return None
    except ApiProblem as problem:
        if problem.status == 404:
            return None
        raise
    return created
