"""Tracking's wiring."""

from pathlib import Path

from services.tracking.api import PUBLIC_ROUTERS, ROUTERS
from services.tracking.consumers.clicks import ClickHandler
from services.tracking.consumers.consent import UnappliedRefusals
from services.tracking.consumers.contacts import ContactHandler
from services.tracking.redirect.answers import LOST, Redirect
from services.tracking.redirect.drain import Drain
from services.tracking.redirect.spool import SpoolDirectory, SpoolWriter
from services.tracking.redirect.targets import Targets
from services.tracking.settings import TrackingSettings
from services.tracking.use_cases.rendering import Renderer
from services.tracking.use_cases.service import Tracking
from services.tracking.use_cases.statistics import ClickReads
from shared.account_turns import AccountTurns
from shared.bus.handler import Consumer
from shared.bus.tail import Tail
from shared.runtime.run import run
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts

# Version 2 read all contacts again, because digests of addresses with letters such as ß had changed; version 3 stores
# the consent itself.
CONTACTS_VERSION = 3


async def build(resources: Resources) -> ServiceParts:
    """Build tracking's parts for any role."""
    settings = resources.settings
    assert isinstance(settings, TrackingSettings)
    keys = settings.token_keys()
    public_url, preferences_url = settings.public_url.rstrip("/"), settings.preferences_url.rstrip("/")
    targets = Targets(resources.catalog)
    folder = settings.home / "spool"
    directory = SpoolDirectory.create(folder)
    spool = SpoolWriter(directory, settings.tracking_spool_bytes, LOST.inc)
    redirect = Redirect(keys, targets, settings, spool)

    thread_turns = AccountTurns()
    tracking = Tracking(
        database=resources.database,
        catalog=resources.catalog,
        intake=resources.intake,
        public_url=public_url,
        preferences_url=preferences_url,
        keys=keys,
        targets=targets,
        renderer=Renderer(resources.database, public_url, preferences_url, thread_turns),
        click_reads=ClickReads(),
        thread_turns=thread_turns,
    )

    contacts = Consumer("contacts", ("labeling.contacts",), ContactHandler(), version=CONTACTS_VERSION)
    tail = Tail(settings, "labeling.contacts", contacts.name, contacts.version)

    async def close() -> None:
        # Unacknowledged clicks are in the spool now; the next process sends them.
        await spool.finish()
        directory.close()
        await tail.close()

    return ServiceParts(
        routers=ROUTERS,
        public_routers=PUBLIC_ROUTERS,
        state=tracking,
        consumers=[
            Consumer(
                "clicks",
                ("intake.clicks",),
                ClickHandler(resources.catalog, settings.partitions, UnappliedRefusals(tail, resources.catalog)),
            ),
            contacts,
        ],
        api_tasks=[redirect.collector.run, Drain(folder, directory, resources.intake).run],
        raw=redirect,
        close=close,
    )


SERVICE = ServiceDefinition(
    name="tracking",
    settings=TrackingSettings,
    migrations=Path(__file__).parent / "migrations",
    catalogs=("labeling.catalog", "tracking.catalog", "segmentation.catalog", "workflow.catalog"),
    build=build,
    description="Messages and their links; clicks on them.",
)


def main() -> None:
    """Run a process from its start to its end."""
    run(SERVICE)
