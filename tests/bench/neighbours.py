"""One account sends expensive requests: the delay of another account, and the longest blocks of event loops."""

import asyncio
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx
import orjson

from tests.bench.figure import Figure
from tests.bench.latency import quantile
from tests.bench.place import Place
from tests.scenarios.scene import SERVICES, Account, Scene
from tests.stack.processes import ROOT

CONTACTS = 10_000
REQUESTS = 500  # of the other account, without and with the load
AT_ONCE = 2  # of each expensive request
PAUSE = 0.02  # seconds; short requests must not reach the account's limit of requests a second
WARM_UP = 20  # requests that are not counted
MAX_HOLD_MILLISECONDS = 100
LONGEST_HOLD = re.compile(r"^penchant_event_loop_longest_hold_seconds (\S+)$", re.MULTILINE)
HOLDS = re.compile(r'^penchant_event_loop_holds_total\{where="([^"]+)"\} (\S+)$', re.MULTILINE)


def paragraph(number: int) -> str:
    return f'<p><a href="https://shop.example/{number}?a=1">Offer {number}</a> {"words " * 30}</p>'


def expensive_requests(account: Account, contacts: int = CONTACTS) -> Sequence[Callable[[], Any]]:
    """Return the most expensive requests that one account may send."""
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
        lambda: _receive_tokens(account, message["id"], ids),
        lambda: account.message(html, "Another"),
        lambda: account.ask("labeling", "POST", "/v1/contacts/batch", rows),
        *[lambda: account.post("segmentation", "/v1/criteria/count", {"criterion": criterion})] * 4,
    ]


def _receive_tokens(account: Account, message_id: str, contact_ids: list[int]) -> None:
    """Receive tokens and tracked links, and discard them, because they would fill the memory."""
    url = f"{account.scene.url('tracking')}/v1/messages/{message_id}/tokens"
    with account.http.stream("POST", url, json={"contact_ids": contact_ids}) as answer:
        assert answer.status_code == 200
        for _ in answer.iter_raw():
            pass


def _repeat(request: Callable[[], Any], stop: Event) -> None:
    while not stop.wait(PAUSE):
        request()


def click_url(account: Account) -> str:
    """Return the tracked link of a contact in a new message."""
    contact, *_ = account.contacts(1)
    message = account.message(f"<html><body>{paragraph(1)}</body></html>")
    token = account.tokens(message["id"], [contact])[contact]["token"]
    return f"{account.scene.url('tracking')}/c/{token}.1"


async def p99(url: str, requests: int) -> float:
    """Click repeatedly; return the 99th percentile of the times until the answer (milliseconds)."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.one_by_one", url, str(requests), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await child.communicate()
    assert child.returncode == 0
    return quantile(orjson.loads(printed), 0.99)


def longest_hold(scene: Scene, service: str) -> tuple[float, dict[str, float]]:
    """Return the longest block of a service's event loop (seconds), and how often each function blocked it."""
    text = httpx.get(f"{scene.url(service)}/metrics", timeout=30).text
    found = LONGEST_HOLD.search(text)
    assert found is not None, text
    return float(found[1]), {where: float(count) for where, count in HOLDS.findall(text)}


async def run(place: Place) -> list[Figure]:
    """Measure another account's clicks without and with the load, and the longest block of each event loop."""
    async with place.services() as (sandbox, services):
        scene = Scene(sandbox, services)
        with Account.open(scene, "Noisy") as noisy, Account.open(scene, "Quiet") as quiet:
            return await _measure(scene, noisy, quiet)


async def _measure(scene: Scene, noisy: Account, quiet: Account) -> list[Figure]:
    noisy.http.timeout = httpx.Timeout(120)
    load = await asyncio.to_thread(expensive_requests, noisy)
    url = await asyncio.to_thread(click_url, quiet)
    await p99(url, WARM_UP)
    alone = await p99(url, REQUESTS)
    stop = Event()
    loop = asyncio.get_running_loop()
    # On a machine with few processors, the loop's default executor has too few threads.
    with ThreadPoolExecutor(AT_ONCE * len(load)) as threads:
        loads = [loop.run_in_executor(threads, _repeat, request, stop) for _ in range(AT_ONCE) for request in load]
        beside_load = await p99(url, REQUESTS)
        stop.set()
        await asyncio.gather(*loads)
    rows = [
        Figure("a click while another account asks for the most expensive things, p99", beside_load, "ms",
            2 * alone, alone, "the same without the load", better="lower")
    ]  # fmt: skip
    for service in SERVICES:
        seconds, counts = longest_hold(scene, service)
        where = ", ".join(f"{place} {count:.0f} times" for place, count in sorted(counts.items()))
        name = f"longest hold of {service}'s event loop meanwhile"
        rows.append(
            Figure(f"{name} ({where})" if where else name, seconds * 1000, "ms", MAX_HOLD_MILLISECONDS, better="lower")
        )
    return rows
