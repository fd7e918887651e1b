"""One account asks for the most expensive things: the effect on its neighbour, and how long event loops are held."""

import asyncio
import re
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import httpx

from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.scenarios.scene import SERVICES, Account, Scene

CONTACTS = 10_000
REQUESTS = 150  # of the neighbour, alone and beside the load
ROUNDS = 2
WARM_UP = 20  # requests that are not counted
HELD_AT_MOST = 100  # milliseconds
METRIC = re.compile(r"^penchant_event_loop_longest_hold_seconds (\S+)$", re.MULTILINE)
HOLDS = re.compile(r'^penchant_event_loop_holds_total\{where="([^"]+)"\} (\S+)$', re.MULTILINE)


def paragraph(number: int) -> str:
    return f'<p><a href="https://shop.example/{number}?a=1">Offer {number}</a> {"words " * 30}</p>'


def expensive(account: Account, contacts: int = CONTACTS) -> Sequence[Callable[[], Any]]:
    """Return what one account may ask for, and what costs most."""
    labels = account.labels(*(f"Label {number}" for number in range(20)))
    ids = account.contacts(contacts)
    html = "<html><body>" + "".join(map(paragraph, range(500))) + "</body></html>"
    message = account.message(html)
    criterion = {
        "any": [
            {
                "all": [
                    {"not": {"label": labels[number % 20]}},
                    {"clicks": {"label": labels[number % 19], "at_least": 2}},
                ]
            }
            for number in range(24)
        ]
    }
    rows = [{"external_id": f"c{number}", "fields": {}} for number in range(contacts)]
    return [
        lambda: account.tokens(message["id"], ids),
        lambda: account.message(html, "Another"),
        lambda: account.ask("labeling", "POST", "/v1/contacts/batch", rows),
        *[lambda: account.post("segmentation", "/v1/criteria/count", {"criterion": criterion})] * 4,
    ]


class Neighbour:
    """Somebody else's contact, who clicks on a link."""

    def __init__(self, account: Account) -> None:
        contact, *_ = account.contacts(1)
        self.message = account.message(f"<html><body>{paragraph(1)}</body></html>")
        token = account.tokens(self.message["id"], [contact])[contact]["token"]
        self._url = f"{account.scene.url('tracking')}/c/{token}.1"

    async def p99(self, requests: int) -> float:
        """Click one time after the other; return the 99th percentile of the answers' times (seconds)."""
        times = []
        async with httpx.AsyncClient(timeout=30) as http:
            for _ in range(requests):
                began = perf_counter()
                answer = await http.get(self._url)
                times.append(perf_counter() - began)
                assert answer.status_code == 302, answer.text
        return sorted(times)[int(len(times) * 0.99)]


def longest_hold(scene: Scene, service: str) -> tuple[float, dict[str, float]]:
    """Return the longest hold of a service's event loop (seconds), and how often which function held it."""
    text = httpx.get(f"{scene.url(service)}/metrics", timeout=30).text
    found = METRIC.search(text)
    assert found is not None, text
    return float(found[1]), {where: float(count) for where, count in HOLDS.findall(text)}


async def run(place: Place) -> list[Figure]:
    """Measure a neighbour's clicks alone and beside the load, and the longest hold of each service's loop."""
    async with place.services() as (sandbox, services):
        scene = Scene(sandbox, services)
        with Account.open(scene, "Noisy") as noisy, Account.open(scene, "Quiet") as quiet:
            return await _measured(scene, noisy, quiet)


async def _measured(scene: Scene, noisy: Account, quiet: Account) -> list[Figure]:
    noisy.http.timeout = httpx.Timeout(120)
    asks = await asyncio.to_thread(expensive, noisy)
    neighbour = await asyncio.to_thread(Neighbour, quiet)
    await neighbour.p99(WARM_UP)
    alone = await neighbour.p99(REQUESTS)
    noise = [asyncio.to_thread(ask) for _ in range(ROUNDS) for ask in asks]
    heard, *_ = await asyncio.gather(neighbour.p99(REQUESTS), *noise)
    rows = [
        Figure("a click while another account asks for the most expensive things, p99", heard * 1000, "ms",
            2 * alone * 1000, alone * 1000, "the same in the quiet", better="lower")
    ]  # fmt: skip
    for service in SERVICES:
        seconds, places = longest_hold(scene, service)
        where = ", ".join(f"{place} {count:.0f} times" for place, count in sorted(places.items()))
        name = f"longest hold of {service}'s event loop meanwhile"
        rows.append(Figure(f"{name} ({where})" if where else name, seconds * 1000, "ms", HELD_AT_MOST, better="lower"))
    return rows
