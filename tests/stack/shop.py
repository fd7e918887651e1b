"""A shop with labels, contacts and a newsletter, created over HTTP."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID, uuid4

import httpx

from tests.stack.sandbox import OPERATOR_KEY

KNOWN_WITHIN = 30.0  # seconds
LABELS = ("Dogs", "Cats", "Spring sale")
LINKS = {"Puppy food": ("Dogs",), "Cat trees": ("Cats",), "All offers": ("Dogs", "Spring sale"), "About us": ()}
NEWSLETTER = "<html><body>{}</body></html>".format(
    "".join(
        f'<p><a href="https://shop.example/{number}?a=1&amp;b=2">{text}</a></p>' for number, text in enumerate(LINKS)
    )
)


@dataclass(slots=True)
class Shop:
    """An account and its contents. `links` are (link id, ids of its labels).

    `interests` are the expected clicks by contact and label, `clicks` the expected clicks by contact and link. Tests
    that send a click update them.
    """

    account_id: int
    api_key: str
    labels: dict[str, UUID] = field(default_factory=dict)
    contacts: list[int] = field(default_factory=list)
    message_id: UUID = field(default_factory=uuid4)
    links: list[tuple[UUID, tuple[UUID, ...]]] = field(default_factory=list)
    interests: Counter[tuple[int, UUID]] = field(default_factory=Counter)
    clicks: Counter[tuple[int, UUID]] = field(default_factory=Counter)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}

    def clicked(self, contact: int, number: int) -> UUID:
        """Count a click of `contact` on the link at `number` (from 0); return the link's id."""
        link_id, labels = self.links[number]
        self.clicks[contact, link_id] += 1
        for label in labels:
            self.interests[contact, label] += 1
        return link_id

    @classmethod
    async def open(cls, labeling: str, tracking: str, contacts: int, name: str = "Paws & Co") -> Self:
        """Create the account with everything in it; `labeling` and `tracking` are URLs."""
        async with httpx.AsyncClient(timeout=30) as http:
            operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
            account = await _json(http.post(f"{labeling}/v1/accounts", json={"name": name}, headers=operator), 201)
            shop = cls(account["account_id"], account["api_key"])
            http.headers.update(shop.headers)
            for service in (labeling, tracking):
                # Services know a key within a second, unless the machine is busy starting them.
                await until_known(http, f"{service}/v1/{'labels' if service is labeling else 'messages'}")
            for label in LABELS:
                made = await _json(http.post(f"{labeling}/v1/labels", json={"name": label}), 201)
                shop.labels[label] = UUID(made["id"])
            for first in range(0, contacts, 10_000):
                rows = [
                    {"email": f"contact{number}@customers.example", "external_id": f"c{number}"}
                    for number in range(first, min(first + 10_000, contacts))
                ]
                answer = await _json(http.post(f"{labeling}/v1/contacts/batch", json=rows), 200)
                shop.contacts += answer["contact_ids"]
            await shop._newsletter(http, tracking)
            return shop

    async def _newsletter(self, http: httpx.AsyncClient, tracking: str) -> None:
        body = {"name": "Spring", "html": NEWSLETTER}
        message = await _json(http.post(f"{tracking}/v1/messages", json=body), 201)
        self.message_id = UUID(message["id"])
        chosen: dict[str, list[str]] = {}
        for link in message["links"]:
            labels = tuple(self.labels[name] for name in LINKS[link["text"]])
            self.links.append((UUID(link["id"]), labels))
            chosen[link["id"]] = [str(label) for label in labels]
        await _json(http.put(f"{tracking}/v1/messages/{message['id']}/link-labels", json=chosen), 200)

    async def tokens(self, tracking: str, send: dict[str, str], contacts: list[int]) -> list[dict[str, Any]]:
        """Return each contact's token and tracked links."""
        async with httpx.AsyncClient(timeout=60, headers=self.headers) as http:
            answer = await http.post(
                f"{tracking}/v1/messages/{self.message_id}/tokens", json={"send": send, "contact_ids": contacts}
            )
            assert answer.status_code == 200, answer.text
            import json

            return [json.loads(line) for line in answer.text.splitlines()]


async def until_known(http: httpx.AsyncClient, url: str) -> None:
    """Wait until the service at `url` accepts the key."""
    async with asyncio.timeout(KNOWN_WITHIN):
        while (await http.get(url)).status_code == 401:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.1)


async def _json(asking: Any, status: int) -> Any:
    answer = await asking
    assert answer.status_code == status, answer.text
    return answer.json()
