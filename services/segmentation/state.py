"""What the endpoints work with."""

import asyncio
from dataclasses import dataclass

from asyncpg.pool import Pool
from fastapi import Request

from services.segmentation.answers.owners import Owners
from services.segmentation.consumers.registry import Registry
from services.segmentation.segments import Segments


class Changes:
    """Lets streams wait until counts may be others."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Counts may be others now."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, most: float) -> None:
        """Until told, or `most` seconds."""
        try:
            await asyncio.wait_for(self._changed.wait(), most)
        except TimeoutError:
            return


@dataclass(frozen=True, slots=True)
class State:
    """`request.app.state.service` of this service."""

    pool: Pool
    partitions: int
    segments: Segments
    owners: Owners
    changes: Changes
    registry: Registry

    @classmethod
    def of(cls, request: Request) -> "State":
        """The state behind a request."""
        state: State = request.app.state.service
        return state
