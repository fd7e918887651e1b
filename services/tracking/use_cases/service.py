"""The resources of use cases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from asyncpg.pool import PoolConnectionProxy

from services.tracking.redirect.targets import Targets
from services.tracking.use_cases.rendering import Renderer
from services.tracking.use_cases.statistics import ClickReads
from shared.account_turns import AccountTurns
from shared.bus.catalog import Catalog
from shared.bus.producer import IntakeProducer
from shared.bus.relay import published
from shared.events.topics import CATALOG_PARTITION
from shared.events.tracking import MessageChanged
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork
from shared.tokens import TokenKeys


@dataclass(frozen=True, slots=True)
class Tracking:
    """The service's stores and keys.

    `public_url` is the base of tracked links, `preferences_url` that of the pages of contacts; neither ends in a slash.
    Large answers are computed in `turns` of the accounts, and work in threads in `thread_turns`, one thread at a time.
    """

    database: Database
    catalog: Catalog
    intake: IntakeProducer
    public_url: str
    preferences_url: str
    keys: TokenKeys
    targets: Targets
    renderer: Renderer
    click_reads: ClickReads
    thread_turns: AccountTurns
    turns: AccountTurns = field(default_factory=AccountTurns)

    @property
    def own_urls(self) -> tuple[str, ...]:
        """The URL prefixes of tracked links and of contacts' pages."""
        pages = [f"{url}/{page}/" for url in (self.public_url, self.preferences_url) for page in "pu"]
        return (f"{self.public_url}/c/", *pages)

    async def announce(self, work: UnitOfWork, message: MessageChanged) -> None:
        """Make a committed change visible: to this process at once, to others when this returns (after at most 1 s)."""
        self.targets.learn(message)
        await published(self.database, CATALOG_PARTITION, work.position)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PoolConnectionProxy]:
        """Open a transaction in which all statements read the same snapshot."""
        async with (
            self.database.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection
