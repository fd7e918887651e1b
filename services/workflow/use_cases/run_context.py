"""The environment of runs within one unit of work."""

from datetime import date, datetime, time
from uuid import UUID

from services.workflow.domain.conditions import for_run
from services.workflow.domain.environment import BrokenCondition, ConditionResult
from services.workflow.domain.facts import StoredFacts
from services.workflow.domain.runs import ConsumedEvent, EffectKind, Run
from services.workflow.domain.steps import Window
from services.workflow.domain.windows import DAY, first_in_window, moments_of, next_local_time
from services.workflow.store.contacts import Contact
from services.workflow.use_cases.catalogs import Catalogs
from shared.criteria import Criterion, decide_content, evaluate, is_true, moves_with_the_day


class RunContext:
    """The facts of the contacts of a unit, and the events that it has consumed; implements `RunEnvironment`."""

    def __init__(self, catalogs: Catalogs, now: datetime) -> None:
        self._catalogs = catalogs
        self._now = now
        self._days: dict[int, date] = {}
        self.facts: dict[Contact, StoredFacts] = {}
        self.seen: dict[Contact, list[ConsumedEvent]] = {}

    @property
    def now(self) -> datetime:
        """Return the time of the unit."""
        return self._now

    def move(self, now: datetime) -> None:
        """Set the time; only used in trials."""
        self._now = now
        self._days.clear()

    def evaluate(self, criterion: Criterion, contact: Contact, run: UUID | None) -> ConditionResult:
        """Evaluate on the service's own facts; segments are inlined, so that they do not lag behind."""
        account_id, _ = contact
        inlined = self._catalogs.with_segments_inlined(account_id, criterion)
        facts = self._catalogs.merged(account_id).facts(self.facts[contact])
        resolved = self._catalogs.with_last_labels(account_id, inlined)
        result = evaluate(resolved if run is None else for_run(resolved, run), facts, self._today(account_id))
        # The values read are shown with the criterion as it was written.
        return ConditionResult(result.truth, lambda: result.as_written(inlined).tree())

    def _today(self, account_id: int) -> date:
        today = self._days.get(account_id)
        if today is None:
            today = self._days[account_id] = self._catalogs.today(account_id, self._now)
        return today

    def changes_at(self, criterion: Criterion, run: Run, after: datetime) -> datetime | None:
        """Return the account's next midnight if the criterion depends on the day."""
        if not moves_with_the_day(self._catalogs.with_segments_inlined(run.account_id, criterion)):
            return None
        zone = self._catalogs.zone(run.account_id)
        return moments_of(after.astimezone(zone).date() + DAY, time(0), zone)[0]

    def require(self, kind: EffectKind, subject: UUID | str, run: Run) -> None:
        """Raise MissingReference if a thing that a step needs was deleted."""
        self._catalogs.require(run.account_id, kind, subject)

    def content(self, message: UUID, run: Run) -> tuple[int | None, dict[str, str] | None]:
        """Decide on the contact's facts, with the same code as campaigns; broken variants are skipped."""
        revision, blocks = self._catalogs.blocks(run.account_id, message)
        if not blocks:
            return revision, None
        return revision, decide_content(blocks, lambda criterion: self._is_true(criterion, run))

    def _is_true(self, criterion: Criterion, run: Run) -> bool:
        account_id, _ = run.contact
        try:
            inlined = self._catalogs.with_segments_inlined(account_id, criterion)
        except BrokenCondition:
            return False
        facts = self._catalogs.merged(account_id).facts(self.facts[run.contact])
        return is_true(inlined, facts, self._today(account_id))

    def why_not_sent(self, run: Run) -> str | None:
        """Return "unknown" for an unknown contact, or the subscription if it is not `subscribed`."""
        facts = self.facts[run.contact]
        if not facts.known or facts.subscription is None:
            return "unknown"
        return None if facts.subscription == "subscribed" else facts.subscription

    def next_time(self, run: Run, at: time, after: datetime) -> datetime:
        """Return the first moment after `after` with the local time `at` in the account's time zone."""
        return next_local_time(at, after, self._catalogs.zone(run.account_id))

    def next_in_window(self, run: Run, window: Window, after: datetime) -> datetime:
        """Return the first moment at or after `after` in the window, in the account's time zone."""
        zone = self._catalogs.zone(run.account_id)
        return first_in_window(after, window.weekdays, window.begins, window.ends, zone)

    def earlier_events(self, run: Run) -> tuple[ConsumedEvent, ...]:
        """Return events of the contact that were consumed earlier in this unit."""
        return tuple(self.seen.get(run.contact, ()))
