"""What the endpoints work with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from asyncpg.pool import PoolConnectionProxy
from fastapi import Depends, Request

from services.tracking.redirect.targets import Targets
from shared.events.tracking import MessageChanged
from shared.http.problems import Problem
from shared.runtime.service import Surroundings
from shared.store.unit_of_work import UnitOfWork
from shared.tokens import TokenKeys


@dataclass(frozen=True, slots=True)
class Tracking:
    """The service, as an endpoint sees it. `public_url` is the base of tracked links, without a slash at its end."""

    around: Surroundings
    public_url: str
    keys: TokenKeys
    targets: Targets

    async def told(self, work: UnitOfWork, message: MessageChanged) -> None:
        """After a change was committed: here it is known at once, elsewhere when this returns (1 s at most)."""
        self.targets.learn(message)
        await self.around.acknowledged(work)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PoolConnectionProxy]:
        """A transaction in which several statements see the same state."""
        async with (
            self.around.database.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection


def _tracking(request: Request) -> Tracking:
    tracking: Tracking = request.app.state.service
    return tracking


Service = Annotated[Tracking, Depends(_tracking)]


def no_message() -> Problem:
    """404, for a message."""
    return Problem(404, "There is no such message.")
