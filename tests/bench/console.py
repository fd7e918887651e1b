"""The console with a million contacts: times and sizes of its ten main pages, and the time of the builder."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from statistics import median
from time import perf_counter

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.console_account import CONTACTS, write_contacts, write_definitions
from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.scenarios.scene import SERVICES, Account, Scene, bearer
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import OPERATOR_KEY
from tests.stack.waiting import wait_until

REQUESTS = 15  # for each page
WARM_UP = 2  # requests for each page before, which are not counted
MAX_KILOBYTES = 150.0
MAX_MILLISECONDS = 100.0
WITHIN = 300.0  # seconds
BACKLOGS = ("penchant_consumer_lag_records", "penchant_unpublished_events")
FORM = "the form of a segment"


async def run(place: Place) -> list[Figure]:
    """Measure the time of each page, the size of the largest page, and the time of the builder's answer to a change."""
    return await asyncio.to_thread(_measure, place)


def _measure(place: Place) -> list[Figure]:
    with _running_console(place) as (account, console, pages):
        form = pages.pop(FORM)
        with _signed_in(console, account) as browser:
            home = f"/a/{account.account_id}/"
            figures: list[Figure] = []
            sizes: dict[str, float] = {}
            for name, path in pages.items():
                times, size = _measure_page(browser, home + path)
                sizes[name] = size
                title = f"console: {name}, {CONTACTS:,} contacts, median"
                figures.append(Figure(title, median(times) * 1000, "ms", goal=MAX_MILLISECONDS, better="lower"))
            largest = max(sizes, key=lambda one: sizes[one])
            title = f"console: the largest page ({largest}) with its styles and scripts, compressed"
            figures.append(Figure(title, sizes[largest], "kB", goal=MAX_KILOBYTES, better="lower"))
            builder = median(_measure_builder(browser, home, home + form)) * 1000
            title = f"console: the builder after a change, three conditions, {CONTACTS:,} contacts, median"
            figures.append(Figure(title, builder, "ms", goal=MAX_MILLISECONDS, better="lower"))
            return figures


@contextmanager
def _running_console(place: Place) -> Iterator[tuple[Account, ServiceProcess, dict[str, str]]]:
    sandbox = place.service_sandbox()
    try:
        started = {name: sandbox.service(name) for name in SERVICES}
        started["labeling"].start()
        started["segmentation"].start().terminate()  # creates the checkpoints to which the written snapshots belong
        with Account.open(Scene(sandbox, started), "Bench") as account:
            labels = write_contacts(account, sandbox)
            for name in ("tracking", "segmentation", "workflow"):
                started[name].start()
            pages = write_definitions(account, labels)
            wait_until(lambda: not any(_backlog(process) for process in started.values()), within=WITHIN)
            urls = {f"PENCHANT_{name.upper()}_URL": process.url for name, process in started.items()}
            console = sandbox.service("console", PENCHANT_CONSOLE_SECRET="a-secret-of-the-bench-long-enough", **urls)
            console.start()
            yield account, console, pages
    finally:
        sandbox.clear()


def _backlog(process: ServiceProcess) -> float:
    """Return the number of events that a service has not published or applied yet."""
    families = text_string_to_metric_families(httpx.get(f"{process.url}/metrics", timeout=60).text)
    samples = [sample for family in families if family.name in BACKLOGS for sample in family.samples]
    assert samples, process.url
    return sum(sample.value for sample in samples)


@contextmanager
def _signed_in(console: ServiceProcess, account: Account) -> Iterator[httpx.Client]:
    body = {"name": "Bench", "account_keys": [account.key]}
    made = httpx.post(f"{console.url}/v1/sign-in-links", json=body, headers=bearer(OPERATOR_KEY), timeout=60)
    token = made.json()["url"].rpartition("/")[2]
    with httpx.Client(base_url=console.url, headers={"Sec-Fetch-Site": "same-origin"}, timeout=60) as browser:
        assert browser.post("/sign-in/link", data={"token": token}).status_code == 303
        yield browser


def _measure_page(browser: httpx.Client, path: str) -> tuple[list[float], float]:
    """Return the seconds of each request for the page, and its kilobytes including the files that it loads."""
    answer = browser.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assets = {part.split('"')[0] for part in answer.text.split('"/static/')[1:]}
    loaded = [answer, *(browser.get(f"/static/{name}") for name in assets)]
    return _request_times(browser, "GET", path), sum(one.num_bytes_downloaded for one in loaded) / 1000


def _measure_builder(browser: httpx.Client, home: str, path: str) -> list[float]:
    """Return the seconds of each answer of the builder with its counts, as after a change of a field."""
    fields = SubmittedFields()
    fields.feed(browser.get(path).text)
    prefix = min(name for name in fields.values if name.endswith(".kind")).partition(".")[0]
    build = f"{home}criteria/build?prefix={prefix}"
    answer = browser.post(build, data=fields.values)
    assert answer.status_code == 200
    assert "data-builder" in answer.text
    return _request_times(browser, "POST", build, data=fields.values)


def _request_times(browser: httpx.Client, method: str, path: str, data: dict[str, str] | None = None) -> list[float]:
    times = []
    for _ in range(WARM_UP + REQUESTS):
        started = perf_counter()
        browser.request(method, path, data=data)
        times.append(perf_counter() - started)
    return times[WARM_UP:]


class SubmittedFields(HTMLParser):
    """The fields of a page's forms that a browser submits: without buttons and boxes that are not checked."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a field, or the selected option of a list."""
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in found or self._select not in self.values):
            self.values[self._select] = found.get("value", "")
        elif tag == "input" and name and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.values[name] = found.get("value", "")
