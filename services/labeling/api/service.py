"""The dependencies of endpoints, and the look-ups that several of them need."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from fastapi import Depends, Request

from services.labeling.domain.errors import InvalidError, NotFoundError
from services.labeling.domain.names import ContactName
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.contacts import contacts_of
from services.labeling.store.directory import find_contacts
from services.labeling.use_cases.uploads import Limits
from shared.bus.producer import IntakeProducer
from shared.bus.relay import published, published_so_far
from shared.events.segmentation import SegmentChanged
from shared.events.topics import CATALOG_PARTITION, partition_of
from shared.http.paths import name_in_path
from shared.runtime.service import Resources
from shared.store.database import Database
from shared.tokens import TokenKeys

MOST_CONTACT_ID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Labeling:
    """What endpoints use of the service: its resources, limits, keys and URLs."""

    resources: Resources
    limits: Limits
    tokens: TokenKeys | None = None
    suppression: SuppressionKeys | None = None
    preferences_url: str = ""
    forms_url: str = ""

    @property
    def database(self) -> Database:
        """Labeling's database."""
        return self.resources.database

    @property
    def producer(self) -> IntakeProducer:
        """The producer of intake topics."""
        return self.resources.intake

    async def published(self, position: int | None) -> None:
        """Wait until the other services can read the catalog event at `position`; return after 1 s at the latest."""
        await published(self.resources.database, CATALOG_PARTITION, position)

    async def contacts_published(self, account_id: int, contact_ids: Iterable[int]) -> None:
        """Wait until other services can read the changes of contacts; return after 1 s at the latest.

        Once a request that denies consent to tracking is answered, the contact must not be tracked any more.
        """
        count = self.resources.settings.partitions
        partitions = {partition_of(account_id, contact_id, count) for contact_id in contact_ids}
        if partitions:
            await published_so_far(self.database, partitions)


def _labeling(request: Request) -> Labeling:
    labeling: Labeling = request.app.state.service
    return replace(labeling, resources=labeling.resources.for_request(request))


Service = Annotated[Labeling, Depends(_labeling)]


async def has_segment(service: Labeling, account_id: int, segment_id: UUID) -> bool:
    """Return whether the account has the segment. If this process does not know it yet, read the catalog to its end."""
    for _ in range(2):
        segment = service.resources.catalog.find(SegmentChanged, segment_id)
        if segment is not None:
            return segment.account_id == account_id and segment.state != "deleted"
        await service.resources.catalog.refresh()
    return False


async def require_segment(service: Labeling, account_id: int, segment_id: UUID | None) -> None:
    """Raise InvalidError if the account has no such segment."""
    if segment_id is not None and not await has_segment(service, account_id, segment_id):
        raise InvalidError("there is no such segment", "/of/segment")


async def contact_in_path(connection: PoolConnectionProxy, account_id: int, path: str) -> int:
    """Return the id of a contact given as a number or `external:<external_id>`. Raises NotFoundError."""
    if path.startswith("external:"):
        name = ContactName(account_id, "external", name_in_path(path.removeprefix("external:")))
        contact_id = (await find_contacts(connection, [name])).get(name)
        if contact_id is not None:
            return contact_id
    elif _is_id(path) and await contacts_of(connection, [(account_id, int(path))]):
        return int(path)
    raise NotFoundError("contact")


def _is_id(path: str) -> bool:
    return path.isascii() and path.isdigit() and len(path) <= 10 and 1 <= int(path) <= MOST_CONTACT_ID
