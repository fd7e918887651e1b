"""Erase the contacts of a deleted account."""

from services.labeling.store.contacts import contacts_of_partition
from services.labeling.use_cases.deletions import DeletionCursor, PieceResult, move_cursor
from services.labeling.use_cases.erasure import erase_in
from shared.jobs.job import Job
from shared.jobs.lease import Lease
from shared.store.unit_of_work import UnitOfWork

PIECE = 100  # contacts; each takes a dozen statements


class AccountDeletion:
    """Erases all contacts of a deleted account one by one."""

    kind = "account_deletion"

    async def step(self, lease: Lease) -> None:
        """Erase the next contacts of a partition number."""
        job, partitions, cursor = lease.job, lease.database.partitions, DeletionCursor.of(lease.job)
        async with lease.advance(cursor.partition) as advance:
            contact_ids = await contacts_of_partition(
                advance.work.connection,
                job.account_id,
                partitions=partitions,
                partition=cursor.partition,
                after=cursor.contact_id,
                limit=PIECE,
            )
            for contact_id in contact_ids:
                await erase_in(advance.work, job.account_id, contact_id)
            piece = PieceResult(len(contact_ids), contact_ids[-1] if len(contact_ids) == PIECE else None)
            if move_cursor(advance, cursor, piece, partitions):
                advance.total = advance.done
                advance.finish(erased=advance.done)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Do nothing: the account stays deleted, even if contacts are left in it."""
