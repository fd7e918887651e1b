"""The console: how long its ten main pages take, and what they transfer, with many contacts in the account."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import monotonic, perf_counter

import httpx

from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.scenarios.scene import SERVICES, Account, Scene, bearer
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import OPERATOR_KEY

CONTACTS = 100_000  # the goal's million takes ten times as long to write, not to show
BATCH = 10_000
TIMES = 15
WITHIN = 300.0  # seconds
LARGEST = 150.0  # kB
SLOWEST = 100.0  # ms
NEWSLETTER = "".join(f'<p><a href="https://shop.example/item/{number}">Item {number}</a></p>' for number in range(30))


async def run(place: Place) -> list[Figure]:
    """Return a row for the time of each page, and one for the largest."""
    return await asyncio.to_thread(_measure, place)


def _measure(place: Place) -> list[Figure]:
    with _opened(place) as (account, console):
        pages = _filled(account)
        with _signed_in(console, account) as browser:
            rows: list[Figure] = []
            sizes: dict[str, float] = {}
            for name, path in pages.items():
                times, size = _page(browser, f"/a/{account.account_id}/{path}")
                sizes[name] = size
                title = f"console: {name}, {CONTACTS:,} contacts, median"
                rows.append(Figure(title, median(times) * 1000, "ms", goal=SLOWEST, better="lower"))
            largest = max(sizes, key=lambda one: sizes[one])
            title = f"console: the largest page ({largest}) with its styles and scripts, compressed"
            rows.append(Figure(title, sizes[largest], "kB", goal=LARGEST, better="lower"))
            return rows


@contextmanager
def _opened(place: Place) -> Iterator[tuple[Account, ServiceProcess]]:
    sandbox = place.whole()
    try:
        started = {name: sandbox.service(name) for name in SERVICES}
        for process in started.values():
            process.start()
        urls = {f"PENCHANT_{name.upper()}_URL": process.url for name, process in started.items()}
        console = sandbox.service("console", PENCHANT_CONSOLE_SECRET="a-secret-of-the-bench-long-enough", **urls)
        console.start()
        with Account.open(Scene(sandbox, started), "Bench") as account:
            yield account, console
    finally:
        sandbox.clear()


def _filled(account: Account) -> dict[str, str]:
    """Write the contacts and one of everything; return the pages by name."""
    dogs, cats = account.labels("Dogs", "Cats")
    for start in range(0, CONTACTS, BATCH):
        rows = [
            {"email": f"c{number}@customers.example", "labels": ["Dogs"] if number % 3 else ["Cats"]}
            for number in range(start, start + BATCH)
        ]
        account.ask("labeling", "POST", "/v1/contacts/batch", rows, timeout=120)
    message = account.message(NEWSLETTER, "Newsletter")
    account.ask(
        "tracking",
        "PUT",
        f"/v1/messages/{message['id']}/link-labels",
        {link["id"]: [dogs] for link in message["links"][:10]},
    )
    segment = account.post("segmentation", "/v1/segments", {"name": "Dogs", "criterion": {"label": dogs}})
    workflow = account.post(
        "workflow",
        "/v1/workflows",
        {
            "name": "Guide",
            "triggers": [{"on": "LabelAssigned", "label": cats}],
            "steps": [{"send": {"message": message["id"]}}],
        },
    )
    _wait_for_counts(account)
    contact = account.get("labeling", "/v1/contacts?limit=1")["items"][0]["contact_id"]
    return {
        "home": "",
        "labels": "labels",
        "a label": f"labels/{dogs}",
        "contacts": "contacts",
        "a contact": f"contacts/{contact}",
        "messages": "messages",
        "a message": f"messages/{message['id']}",
        "a segment": f"segments/{segment['id']}",
        "a workflow": f"workflows/{workflow['id']}",
        "campaigns": "campaigns",
    }


def _wait_for_counts(account: Account) -> None:
    deadline = monotonic() + WITHIN
    while account.post("segmentation", "/v1/criteria/count", {"criterion": {"all": []}})["count"] < CONTACTS:
        assert monotonic() < deadline, "segmentation has not read all contacts"


@contextmanager
def _signed_in(console: ServiceProcess, account: Account) -> Iterator[httpx.Client]:
    body = {"name": "Bench", "account_keys": [account.key]}
    made = httpx.post(f"{console.url}/v1/sign-in-links", json=body, headers=bearer(OPERATOR_KEY), timeout=60)
    token = made.json()["url"].rpartition("/")[2]
    with httpx.Client(base_url=console.url, headers={"Sec-Fetch-Site": "same-origin"}, timeout=60) as browser:
        assert browser.post("/sign-in/link", data={"token": token}).status_code == 303
        yield browser


def _page(browser: httpx.Client, path: str) -> tuple[list[float], float]:
    """Return the seconds that the page took each time, and its kilobytes with what it loads."""
    answer = browser.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assets = {part.split('"')[0] for part in answer.text.split('"/static/')[1:]}
    loaded = [answer, *(browser.get(f"/static/{name}") for name in assets)]
    times = []
    for _ in range(TIMES):
        started = perf_counter()
        browser.get(path)
        times.append(perf_counter() - started)
    return times, sum(one.num_bytes_downloaded for one in loaded) / 1000
