"""What runs need to know of everything else, within one unit of work."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from services.workflow.domain.conditions import for_run
from services.workflow.domain.facts import NOT_SENT_TO, StoredFacts
from services.workflow.domain.progress import ConditionResult
from services.workflow.domain.runs import ConsumedEvent, EffectKind, Run
from services.workflow.store.contacts import Contact
from services.workflow.use_cases.catalogs import Catalogs
from shared.criteria import Criterion, evaluate


class RunContext:
    """The facts of the contacts of a unit, and what came of them before; see `progress.RunEnvironment`."""

    def __init__(self, catalogs: Catalogs, now: datetime) -> None:
        self._catalogs = catalogs
        self._now = now
        self._days: dict[int, date] = {}
        self.facts: dict[Contact, StoredFacts] = {}
        self.seen: dict[Contact, list[ConsumedEvent]] = {}

    @property
    def now(self) -> datetime:
        """The time of the unit."""
        return self._now

    def move(self, now: datetime) -> None:
        """It is `now`; only where runs are tried."""
        self._now = now
        self._days.clear()

    def judge(self, criterion: Criterion, contact: Contact, run: UUID | None) -> ConditionResult:
        """Evaluates over the service's own facts; segments by their definition, so that nothing lags behind."""
        account_id, _ = contact
        asked = self._catalogs.ready(account_id, criterion)
        found = evaluate(asked if run is None else for_run(asked, run), self.facts[contact], self._today(account_id))
        return ConditionResult(found.truth, found.tree)

    def _today(self, account_id: int) -> date:
        today = self._days.get(account_id)
        if today is None:
            today = self._days[account_id] = self._catalogs.today(account_id, self._now)
        return today

    def need(self, kind: EffectKind, subject: UUID | str, run: Run) -> None:
        """Raises MissingReference if what a step needs was deleted."""
        self._catalogs.need(run.account_id, kind, subject)

    def why_not_sent(self, run: Run) -> str | None:
        """A contact that may not be sent to: its subscription."""
        subscription = self.facts[run.contact].subscription
        return subscription if subscription in NOT_SENT_TO else None

    def next_time(self, run: Run, at: time, after: datetime) -> datetime:
        """The first moment after `after` at which it is `at` in the account's time zone."""
        zone = self._catalogs.zone(run.account_id)
        local = after.astimezone(zone)
        # Of a time that a change of clocks skips or repeats, zoneinfo takes the earlier reading.
        moment = datetime.combine(local.date(), at, zone)
        if moment <= local:
            moment = datetime.combine(local.date() + timedelta(days=1), at, zone)
        return moment.astimezone(UTC)

    def earlier(self, run: Run) -> tuple[ConsumedEvent, ...]:
        """Events of the contact that were consumed in this unit before."""
        return tuple(self.seen.get(run.contact, ()))
