"""What runs need to know of everything else, within one unit of work."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from services.workflow.catalogs import Catalogs
from services.workflow.domain.conditions import for_run
from services.workflow.domain.facts import UNWILLING, StoredFacts
from services.workflow.domain.progress import Judgement
from services.workflow.domain.runs import EffectKind, Run, Seen
from services.workflow.store.contacts import Contact
from shared.criteria import Criterion, evaluate


class UnitWorld:
    """The facts of the contacts of a unit, and what came of them before; see `progress.World`."""

    def __init__(self, catalogs: Catalogs, now: datetime) -> None:
        self._catalogs = catalogs
        self._now = now
        self.facts: dict[Contact, StoredFacts] = {}
        self.seen: dict[Contact, list[Seen]] = {}

    @property
    def now(self) -> datetime:
        """The time of the unit."""
        return self._now

    def move(self, now: datetime) -> None:
        """It is `now`; only where runs are tried."""
        self._now = now

    def judge(self, criterion: Criterion, run: Run) -> Judgement:
        """Evaluates over the service's own facts; segments by their definition, so that nothing lags behind."""
        return self._judge(for_run(self._catalogs.ready(run.account_id, criterion), run.run_id), run.contact)

    def judge_contact(self, criterion: Criterion, contact: Contact) -> Judgement:
        """Evaluates without a run."""
        return self._judge(self._catalogs.ready(contact[0], criterion), contact)

    def _judge(self, criterion: Criterion, contact: Contact) -> Judgement:
        found = evaluate(criterion, self.facts[contact].view(), self._catalogs.today(contact[0], self.now))
        return Judgement(found.truth, found.tree())

    def need(self, kind: EffectKind, subject: UUID | str, run: Run) -> None:
        """Raises Gone if what a step needs was deleted."""
        self._catalogs.need(run.account_id, kind, subject)

    def unwilling(self, run: Run) -> str | None:
        """A contact that may not be sent to: its subscription."""
        subscription = self.facts[run.contact].subscription
        return subscription if subscription in UNWILLING else None

    def next_time(self, run: Run, at: time, after: datetime) -> datetime:
        """The first moment after `after` at which it is `at` in the account's time zone."""
        zone = self._catalogs.zone(run.account_id)
        local = after.astimezone(zone)
        # Of a time that a change of clocks skips or repeats, zoneinfo takes the earlier reading.
        moment = datetime.combine(local.date(), at, zone)
        if moment <= local:
            moment = datetime.combine(local.date() + timedelta(days=1), at, zone)
        return moment.astimezone(UTC)

    def earlier(self, run: Run) -> tuple[Seen, ...]:
        """Events of the contact that were consumed in this unit before."""
        return tuple(self.seen.get(run.contact, ()))
