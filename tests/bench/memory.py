"""Memory of each process: idle, and whether it grows over a million clicks."""

import asyncio

import psutil

from tests.bench.figure import Figure
from tests.bench.intake import write_intake
from tests.bench.place import Place
from tests.bench.progress import select_number
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop
from tests.stack.waiting import until

MEGABYTE = 1_000_000
SETTLE_SECONDS = 3.0
CONTACTS = 10_000
CLICKS = 1_000_000
CLICKS_PER_STEP = 100_000
WITHIN = 300.0  # seconds for a tenth of the clicks
COUNT_CLICKS = "SELECT coalesce(sum(clicks), 0)::bigint FROM assignments"


async def run(place: Place) -> list[Figure]:
    """Measure all four services idle; then tracking and labeling after a tenth of a million clicks, and after all."""
    async with place.services() as (sandbox, services):
        await asyncio.sleep(SETTLE_SECONDS)
        rows = [
            Figure(f"memory of {name}, idle", _memory(process), "MB", 150, better="lower")
            for name, process in services.items()
        ]
        tracking, labeling = services["tracking"], services["labeling"]
        shop = await Shop.open(labeling.url, tracking.url, CONTACTS)
        services["segmentation"].terminate()
        services["workflow"].terminate()
        early: dict[str, float] = {}
        for done in range(CLICKS_PER_STEP, CLICKS + 1, CLICKS_PER_STEP):
            await _click(sandbox, shop)
            if done == CLICKS_PER_STEP:
                await asyncio.sleep(SETTLE_SECONDS)
                early = {"tracking": _memory(tracking), "labeling": _memory(labeling)}
        await asyncio.sleep(SETTLE_SECONDS)
        for name, process in (("tracking", tracking), ("labeling", labeling)):
            rows.append(
                Figure(f"memory of {name} after a million clicks", _memory(process), "MB", early[name] * 1.1,
                    early[name], "after the first tenth of them", better="lower")
            )  # fmt: skip
    return rows


async def _click(sandbox: Sandbox, shop: Shop) -> None:
    """Send a tenth of the clicks; return when labeling has counted them."""
    contacts = [shop.contacts[number % CONTACTS] for number in range(CLICKS_PER_STEP)]
    for number, contact in enumerate(contacts):
        shop.clicked(contact, number % len(shop.links))
    await write_intake(sandbox.settings, shop, contacts)

    async def counted() -> bool:
        return await select_number(sandbox.database("labeling"), COUNT_CLICKS) == shop.interests.total()

    await until(counted, WITHIN)


def _memory(process: ServiceProcess) -> float:
    return psutil.Process(process.pid).memory_info().rss / MEGABYTE
