"""A stored job, and the interface of a kind of job."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol
from uuid import UUID

import orjson
from asyncpg import Record

from shared.store.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from shared.jobs.lease import Lease

State = Literal["queued", "running", "done", "failed", "cancelled"]
OPEN: frozenset[State] = frozenset({"queued", "running"})


class Job(NamedTuple):
    """A job and its progress.

    `subject` names what the job is about, such as a label's id. `specification` says what to do and never changes;
    `cursor` says where the next step begins. `done` and `total` count items in the kind's own unit; `errors` counts
    problems.
    """

    id: UUID
    account_id: int
    kind: str
    subject: str
    specification: Mapping[str, Any]
    cursor: Mapping[str, Any]
    state: State
    done: int
    total: int | None
    errors: int
    result: Mapping[str, Any] | None
    failure: str | None
    cancel_requested: bool
    step: int
    created_at: datetime
    started_at: datetime | None
    changed_at: datetime
    finished_at: datetime | None

    def seconds_left(self, now: datetime) -> int | None:
        """Return the estimated seconds until the end, at the average pace so far; None while unknown."""
        if self.state != "running" or self.started_at is None or not self.total or not self.done:
            return None
        elapsed = (now - self.started_at).total_seconds()
        return max(0, round(elapsed / self.done * (self.total - self.done)))


class JobProblem(NamedTuple):
    """A problem with one row: its `number`, a JSON pointer into it, a code for programs, and a detail for people."""

    number: int | None
    pointer: str
    code: str
    detail: str


class JobFailed(Exception):
    """Raised by a step that cannot continue. The message is shown to people and must not contain personal data."""


class JobKind(Protocol):
    """Carries out the jobs of one kind."""

    @property
    def kind(self) -> str:
        """The name of the kind, such as `label_deletion`."""

    async def step(self, lease: "Lease") -> None:
        """Do the next part of the job in one `lease.advance(…)` block, within about a second.

        Raises JobFailed if the job cannot continue. Any other error that is not temporary fails the job, too.
        """

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """React to the end of a job that was cancelled or has failed, in the transaction that sets `job.state`."""


def job_from_row(row: Record) -> Job:
    """Return the job in a row of `background_jobs`."""
    return Job(
        id=UUID(int=row["job_id"].int),
        account_id=row["account_id"],
        kind=row["kind"],
        subject=row["subject"],
        specification=orjson.loads(row["specification"]),
        cursor=orjson.loads(row["cursor"]),
        state=row["state"],
        done=row["done"],
        total=row["total"],
        errors=row["errors"],
        result=None if row["result"] is None else orjson.loads(row["result"]),
        failure=row["failure"],
        cancel_requested=row["cancel_requested"],
        step=row["step"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        changed_at=row["changed_at"],
        finished_at=row["finished_at"],
    )
