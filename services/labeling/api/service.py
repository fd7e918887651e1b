"""What the endpoints work with, and what several of them ask."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from fastapi import Depends, Request

from services.labeling.domain.names import ContactName
from services.labeling.store.contacts import contacts_of
from services.labeling.store.labels import Label, label_of_id
from services.labeling.store.names import find_contacts
from shared.bus.producer import IntakeProducer
from shared.http.paths import name_in_path
from shared.http.problems import Problem
from shared.runtime.service import Surroundings
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

MOST_CONTACT_ID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Labeling:
    """The service, as an endpoint sees it."""

    around: Surroundings

    @property
    def database(self) -> Database:
        """Labeling's database."""
        return self.around.database

    @property
    def producer(self) -> IntakeProducer:
        """Writes intake topics."""
        return self.around.intake

    async def told(self, work: UnitOfWork) -> None:
        """Waits until a catalog write can be seen by the other services: 1 s at most, then anyway."""
        await self.around.acknowledged(work)


def _labeling(request: Request) -> Labeling:
    labeling: Labeling = request.app.state.service
    return labeling


Service = Annotated[Labeling, Depends(_labeling)]


async def contact_named(connection: PoolConnectionProxy, account_id: int, path: str) -> int:
    """The id of the contact that a path names: by number, or `external:<external_id>`. Raises Problem 404."""
    if path.startswith("external:"):
        name = ContactName(account_id, "external", name_in_path(path.removeprefix("external:")))
        found = (await find_contacts(connection, [name])).get(name)
        if found is not None:
            return found
    elif _is_id(path) and await contacts_of(connection, [(account_id, int(path))]):
        return int(path)
    raise no_contact()


def _is_id(path: str) -> bool:
    return path.isascii() and path.isdigit() and len(path) <= 10 and 1 <= int(path) <= MOST_CONTACT_ID


async def label_named(
    connection: PoolConnectionProxy, account_id: int, label_id: UUID, *, deleted_too: bool = False
) -> Label:
    """A label of the account. Raises Problem 404."""
    label = await label_of_id(connection, account_id, label_id)
    if label is None or (label.state == "deleted" and not deleted_too):
        raise Problem(404, "There is no such label.")
    return label


def no_contact() -> Problem:
    """404, for a contact."""
    return Problem(404, "There is no such contact.")
