"""Delivery's wiring."""

from datetime import timedelta
from uuid import UUID

from services.delivery.api import test_mails
from services.delivery.clients.tracking import TrackingClient
from services.delivery.consumers.requests import TOPICS, RequestHandler
from services.delivery.domain.composing import Sender
from services.delivery.settings import DeliverySettings
from services.delivery.store import MIGRATIONS
from services.delivery.use_cases.forgetting import Forgetting
from services.delivery.use_cases.preparing import Preparing
from services.delivery.use_cases.reporting import Reporting
from services.delivery.use_cases.sending import Sending
from shared.bus.handler import Consumer
from shared.events.segmentation import CampaignChanged
from shared.runtime.run import run
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts


async def build(resources: Resources) -> ServiceParts:
    """Return delivery's parts for any role."""
    settings = resources.settings
    assert isinstance(settings, DeliverySettings)
    tracking = TrackingClient(settings.tracking_url, settings.delivery_key)
    preparing = Preparing(
        resources.database,
        resources.catalog,
        tracking,
        Sender("", settings.delivery_sender),
        settings.preferences_url.rstrip("/"),
    )

    def campaign_state(campaign_id: UUID | None) -> str | None:
        campaign = None if campaign_id is None else resources.catalog.find(CampaignChanged, campaign_id)
        return None if campaign is None else campaign.state

    sending = Sending(
        resources.database,
        preparing,
        settings.mail_server,
        campaign_state,
        per_second=settings.delivery_per_second,
        connections=settings.delivery_connections,
        repeats_uncertain=settings.delivery_repeats_uncertain,
        lease=timedelta(seconds=settings.delivery_claim_seconds),
    )
    return ServiceParts(
        routers=[test_mails.router],
        state=test_mails.DeliveryState(resources.database, sending.wake),
        consumers=[Consumer("requests", TOPICS, RequestHandler(sending.wake))],
        worker_tasks=[
            sending.run,
            Reporting(resources.database, resources.intake).run,
            Forgetting(resources.database).run,
        ],
        close=tracking.close,
    )


SERVICE = ServiceDefinition(
    name="delivery",
    settings=DeliverySettings,
    migrations=MIGRATIONS,
    catalogs=("labeling.catalog", "segmentation.catalog"),
    build=build,
    description="Hands requested messages to a mail server, and reports the outcomes.",
)


def main() -> None:
    """Run a process of the service."""
    run(SERVICE)
