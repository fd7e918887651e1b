"""Tracking and labeling as in production, with a shop."""

from tests.faults.checks import check_every_click_counted_once
from tests.faults.load import Load, RedirectLoad
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop

SEND = {"kind": "campaign", "id": "spring", "sent_at": "2026-03-01T08:00:00Z"}


class Processes:
    """An API and a worker of tracking and of labeling."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.tracking_api = sandbox.service("tracking", "api")
        self.tracking = sandbox.service("tracking", "worker")
        self.labeling_api = sandbox.service("labeling", "api")
        self.labeling = sandbox.service("labeling", "worker")
        self.all = (self.tracking_api, self.tracking, self.labeling_api, self.labeling)

    def start(self) -> None:
        """Start the processes that are not running; return once all are ready."""
        for process in self.all:
            if not process.running:
                process.start(ready=False)
        for process in self.all:
            process.wait_ready()


class Chain:
    """The processes from a click to a label, and the test's shop."""

    def __init__(self, processes: Processes, shop: Shop) -> None:
        self.sandbox = processes.sandbox
        self.tracking_api = processes.tracking_api
        self.tracking = processes.tracking
        self.labeling_api = processes.labeling_api
        self.labeling = processes.labeling
        self.shop = shop

    @classmethod
    async def open(cls, processes: Processes, contacts: int = 200) -> "Chain":
        """Create a shop on the running processes."""
        return cls(processes, await Shop.open(processes.labeling_api.url, processes.tracking_api.url, contacts))

    def load(self, per_second: int = 300, *, twice: bool = False) -> Load:
        """Return a load that reports clicks on `intake.clicks`."""
        return Load(self.sandbox.settings, self.shop, per_second, twice=twice)

    async def redirects(self, per_second: int = 100) -> RedirectLoad:
        """Return a load that requests tracked links."""
        tokens = await self.shop.tokens(self.tracking_api.url, SEND, self.shop.contacts)
        return RedirectLoad(self.shop, self.tracking_api.url, tokens, per_second)

    async def check(self, within: float = 90.0) -> None:
        """Check that every click was counted once and its event published once."""
        await check_every_click_counted_once(self.sandbox, self.shop, within)
