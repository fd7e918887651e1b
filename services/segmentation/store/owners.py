"""The owners of slices."""

from collections.abc import Iterable
from dataclasses import dataclass

from asyncpg.pool import Pool, PoolConnectionProxy

from shared.store.errors import Fenced
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a partition number's slices, by its URL.

    `epoch` increases by one each time the slice changes owner; it fences writes of earlier owners.
    """

    url: str
    epoch: int


async def take_slices(connection: PoolConnectionProxy, partition: int, url: str) -> int:
    """Make the process at `url` the owner of the partition number's slices; return its epoch."""
    epoch: int = await QUERIES["take_slices"].fetchval(connection, partition=partition, url=url)
    return epoch


async def check_owner(connection: PoolConnectionProxy, partition: int, epoch: int) -> None:
    """Raise Fenced if the slices have got another owner.

    Call this while holding the partition's lock. Comparing checkpoints would not be enough: a new owner may have
    announced the moves of a new day or definition, which leaves the checkpoint unchanged.
    """
    if await QUERIES["slice_epoch"].fetchval(connection, partition=partition) != epoch:
        raise Fenced("another process holds the slices")


async def read_epochs(connection: PoolConnectionProxy, partitions: Iterable[int]) -> dict[int, int]:
    """Return the epoch of each partition number that ever had an owner. Call this while holding their locks."""
    rows = await QUERIES["slice_epochs"].fetch(connection, partitions=list(partitions))
    return {row["partition"]: row["epoch"] for row in rows}


async def read_owners(pool: Pool) -> dict[int, Owner]:
    """Return the owner of each partition number's slices."""
    rows = await QUERIES["slice_owners"].fetch(pool)
    return {row["partition"]: Owner(row["url"], row["epoch"]) for row in rows}


async def read_secret(pool: Pool) -> str:
    """Return the shared secret of this service's processes."""
    secret: str = await QUERIES["owner_secret"].fetchval(pool)
    return secret
