"""What endpoints are given, and look-ups that several of them need."""

from dataclasses import dataclass, replace
from typing import Annotated

from asyncpg.pool import PoolConnectionProxy
from fastapi import Depends, Request

from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.names import ContactName
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.contacts import contacts_of
from services.labeling.store.directory import find_contacts
from services.labeling.use_cases.uploads import Limits
from shared.bus.producer import IntakeProducer
from shared.bus.relay import published
from shared.events.topics import CATALOG_PARTITION
from shared.http.paths import name_in_path
from shared.runtime.service import Surroundings
from shared.store.database import Database
from shared.tokens import TokenKeys

MOST_CONTACT_ID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Labeling:
    """The service's parts that endpoints use."""

    around: Surroundings
    limits: Limits
    tokens: TokenKeys | None = None
    suppression: SuppressionKeys | None = None
    preferences_url: str = ""
    forms_url: str = ""

    @property
    def database(self) -> Database:
        """Labeling's database."""
        return self.around.database

    @property
    def producer(self) -> IntakeProducer:
        """The producer of intake topics."""
        return self.around.intake

    async def published(self, position: int | None) -> None:
        """Wait until a catalog event can be read by the other services; return after 1 s at the latest."""
        await published(self.around.database, CATALOG_PARTITION, position)


def _labeling(request: Request) -> Labeling:
    labeling: Labeling = request.app.state.service
    return replace(labeling, around=labeling.around.for_request(request))


Service = Annotated[Labeling, Depends(_labeling)]


async def contact_in_path(connection: PoolConnectionProxy, account_id: int, path: str) -> int:
    """Return the id of a contact given as a number or `external:<external_id>`. Raises NotFoundError."""
    if path.startswith("external:"):
        name = ContactName(account_id, "external", name_in_path(path.removeprefix("external:")))
        found = (await find_contacts(connection, [name])).get(name)
        if found is not None:
            return found
    elif _is_id(path) and await contacts_of(connection, [(account_id, int(path))]):
        return int(path)
    raise NotFoundError("contact")


def _is_id(path: str) -> bool:
    return path.isascii() and path.isdigit() and len(path) <= 10 and 1 <= int(path) <= MOST_CONTACT_ID
