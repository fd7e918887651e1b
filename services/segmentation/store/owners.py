"""Who holds which slices."""

from dataclasses import dataclass

from asyncpg.pool import Pool, PoolConnectionProxy

from services.segmentation.store import QUERIES
from shared.store.errors import Fenced


@dataclass(frozen=True, slots=True)
class Owner:
    """A process by its URL, and the number of the time that the slice changed hands."""

    url: str
    epoch: int


async def take_slices(connection: PoolConnectionProxy, partition: int, url: str) -> int:
    """The process at `url` holds the slices of the partition number from now on; the epoch of that."""
    epoch: int = await connection.fetchval(QUERIES["take_slices"], partition, url)
    return epoch


async def check_owner(connection: PoolConnectionProxy, partition: int, epoch: int) -> None:
    """Raises Fenced if the slices have another owner by now; within the partition's lock.

    The checkpoint does not tell: an owner that announced by the clock, or for a definition, has not moved it.
    """
    if await connection.fetchval(QUERIES["slice_epoch"], partition) != epoch:
        raise Fenced("another process holds the slices")


async def read_owners(pool: Pool) -> dict[int, Owner]:
    """Who holds the slices of each partition number."""
    return {row["partition"]: Owner(row["url"], row["epoch"]) for row in await pool.fetch(QUERIES["slice_owners"])}


async def read_secret(pool: Pool) -> str:
    """What processes of this service show each other."""
    secret: str = await pool.fetchval(QUERIES["owner_secret"])
    return secret
