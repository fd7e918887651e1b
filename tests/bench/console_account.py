"""The account of the console's measurement: many existing contacts, and some objects of each kind."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.bench.large_account import fill, prepare
from tests.bench.size import contacts
from tests.bench.subscribers import write_subscribers
from tests.faults.chain import SEND
from tests.scenarios.scene import Account
from tests.stack.sandbox import Sandbox
from tests.stack.waiting import wait_until

CONTACTS = contacts(100_000)
CLICKERS = 1_000  # contacts that are added through the API, and click today
SEGMENTS, MESSAGES, WORKFLOWS, CAMPAIGNS = 20, 10, 10, 3
WITHIN = 300.0  # seconds
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEWSLETTER = "".join(f'<p><a href="https://shop.example/item/{number}">Item {number}</a></p>' for number in range(30))


def write_contacts(account: Account, sandbox: Sandbox) -> list[str]:
    """Write the contacts and their labels into the databases of labeling and segmentation; return the labels.

    Segmentation must have run before, and must be stopped.
    """
    labels = prepare(account)
    zone = account.get("labeling", "/v1/account")["time_zone"]

    async def write() -> None:
        await fill(sandbox.database("labeling"), account.account_id, CONTACTS)
        held = [UUID(label) for label in labels]
        await write_subscribers(sandbox.database("segmentation"), account.account_id, zone, CONTACTS, held)

    asyncio.run(write())
    return labels


def write_definitions(account: Account, labels: list[str]) -> dict[str, str]:
    """Create some objects of each kind, and click today; return the pages by name."""
    messages = [account.message(NEWSLETTER, f"Newsletter {number}") for number in range(MESSAGES)]
    links = [link["id"] for link in messages[0]["links"]]
    link_labels = {link: [labels[place % len(labels)]] for place, link in enumerate(links)}
    account.ask("tracking", "PUT", f"/v1/messages/{messages[0]['id']}/link-labels", link_labels)
    segments = [_create(account, "segmentation", "/v1/segments", body) for body in _segments(labels)]
    workflows = []
    for number in range(WORKFLOWS):
        trigger = {"on": "LabelAssigned", "label": labels[number % len(labels)]}
        body: dict[str, Any] = {
            "name": f"Workflow {number}",
            "triggers": [trigger],
            "steps": [{"send": {"message": messages[0]["id"]}}],
        }
        workflows.append(_create(account, "workflow", "/v1/workflows", body))
        account.post("workflow", f"/v1/workflows/{workflows[-1]}/activate")
    for number in range(CAMPAIGNS):
        audience: dict[str, Any] = {"include": [{"segment": segments[number]}]}
        body = {"name": f"Campaign {number}", "message_id": messages[0]["id"], "audience": audience}
        _create(account, "segmentation", "/v1/campaigns", body)
    clickers = account.contacts(CLICKERS)
    _click(account, messages[0]["id"], links, clickers)
    return {
        "home": "",
        "labels": "labels",
        "a label": f"labels/{labels[0]}",
        "contacts": "contacts",
        "a contact": f"contacts/{clickers[0]}",
        "messages": "messages",
        "a message": f"messages/{messages[0]['id']}",
        "a segment": f"segments/{segments[0]}",
        "a workflow": f"workflows/{workflows[0]}",
        "campaigns": "campaigns",
        "the form of a segment": f"segments/{segments[0]}/edit",
    }


def _create(account: Account, service: str, path: str, body: dict[str, Any]) -> str:
    made: str = account.post(service, path, body)["id"]
    return made


def _segments(labels: list[str]) -> list[dict[str, Any]]:
    """Return segments of three conditions each.

    One has half of the contacts, the others those who clicked. Each member is an event that must be published before
    the pages are requested.
    """
    return [
        {
            "name": f"Segment {number:02}",
            "criterion": {
                "all" if number else "any": [
                    {"label": labels[number % len(labels)]},
                    {"clicks": {"label": labels[0], "at_least": 1 + number, "within_days": 30}},
                    {"contact": {"subscription": "subscribed" if number else "unsubscribed"}},
                ]
            },
        }
        for number in range(SEGMENTS)
    ]


def _click(account: Account, message_id: str, links: list[str], clickers: list[int]) -> None:
    now = datetime.now(UTC).isoformat()
    reports = [
        {
            "contact_id": contact_id,
            "message_id": message_id,
            "link_id": links[place % len(links)],
            "send": SEND,
            "occurred_at": now,
            "hint": "human",
            "user_agent": BROWSER,
        }
        for place, contact_id in enumerate(clickers)
    ]
    account.post("tracking", "/v1/clicks", reports)
    clicked = {"criterion": {"any": [{"clicks": {"message": message_id}}, {"all": []}]}}

    def counted() -> bool:
        nodes = account.post("segmentation", "/v1/criteria/count", clicked)["nodes"]
        return [node["count"] for node in nodes[1:]] == [len(clickers), CONTACTS + len(clickers)]

    wait_until(counted, within=WITHIN)
