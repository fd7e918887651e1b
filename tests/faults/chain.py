"""Tracking and labeling as they run in earnest, with a shop on them."""

import asyncio
from dataclasses import dataclass

from tests.faults.checks import all_is_counted
from tests.faults.load import Load, RedirectLoad
from tests.stack.ground import Ground
from tests.stack.processes import ServiceProcess
from tests.stack.shop import Shop

SEND = {"kind": "campaign", "id": "spring", "sent_at": "2026-03-01T08:00:00Z"}


@dataclass
class Chain:
    """From a click to a label: the processes, and the shop."""

    ground: Ground
    tracking_api: ServiceProcess
    labeling_api: ServiceProcess
    tracking: ServiceProcess
    labeling: ServiceProcess
    shop: Shop

    @classmethod
    async def start(cls, ground: Ground, contacts: int = 200) -> "Chain":
        """Starts an API and a worker of each, and opens the shop."""
        processes = [
            ground.service(service, role) for service in ("tracking", "labeling") for role in ("api", "worker")
        ]
        for process in processes:
            process.start(ready=False)
        for process in processes:
            await asyncio.to_thread(process.wait_ready)
        tracking_api, tracking, labeling_api, labeling = processes
        shop = await Shop.open(labeling_api.url, tracking_api.url, contacts)
        return cls(ground, tracking_api, labeling_api, tracking, labeling, shop)

    def load(self, per_second: int = 300, *, twice: bool = False) -> Load:
        """Clicks reported on `intake.clicks`."""
        return Load(self.ground.settings, self.shop, per_second, twice=twice)

    async def redirects(self, per_second: int = 100) -> RedirectLoad:
        """Requests of tracked links."""
        tokens = await self.shop.tokens(self.tracking_api.url, SEND, self.shop.contacts)
        return RedirectLoad(self.shop, self.tracking_api.url, tokens, per_second)

    async def check(self, load: Load, within: float = 90.0) -> None:
        """Everything that `load` reported was counted, once, and told, once."""
        await all_is_counted(self.ground, load.interests, within)

    def problems(self) -> str:
        """What the processes said last, for a failing test."""
        return "\n".join(f"--- {process.log.name}\n{process.tail(1500)}" for process in self.ground.processes)
