"""The decisions of one unit of work on assignments, in memory; the use case writes them afterwards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from services.labeling.domain.assignments import (
    NOTHING,
    REMOVED_BY_CONTACT,
    REMOVED_SINCE,
    AssertLabel,
    Assignment,
    Command,
    Outcome,
    Pair,
    clicked,
    decide,
    evolve,
    merged,
    refusal,
)
from services.labeling.domain.labels import Label
from shared.events.parts import Origin
from shared.events.tracking import ContactClicked

CausingEvent = TypeVar("CausingEvent")


class AssignmentDecision(NamedTuple, Generic[CausingEvent]):
    """An entry of the history. `origin` is None for a click, whose origin is in `click`; `cause` is its record.

    `gives_back`: the decision assigns a label that the contact had removed itself.
    """

    contact_id: int
    label: Label
    at: datetime
    outcome: Outcome
    reason: str | None
    origin: Origin | None
    click: ContactClicked | None
    cause: CausingEvent | None
    gives_back: bool = False


class AssignmentChanges(Generic[CausingEvent]):
    """Fold clicks and commands over assignments, and collect the decisions.

    `stored` must contain the existing assignments of all pairs that will be touched, read under the lock of their
    partition number.
    """

    def __init__(self, stored: Mapping[Pair, Assignment]) -> None:
        self.stored = stored
        self.states = dict(stored)
        self.touched: set[Pair] = set()
        self.decisions: list[AssignmentDecision[CausingEvent]] = []

    def click(self, event: ContactClicked, label: Label, cause: CausingEvent) -> None:
        """Count a human click on a link that carries `label`. Kept short, because it runs for every click."""
        pair = (label.no, event.contact_id)
        at = event.occurred_at
        self.states[pair], outcome = clicked(self.states.get(pair, NOTHING), at)
        self.touched.add(pair)
        reason = None
        if outcome == "refused":
            reason = REMOVED_BY_CONTACT if self.states[pair].withdrawn_by_self else REMOVED_SINCE
        self.decisions.append(AssignmentDecision(event.contact_id, label, at, outcome, reason, None, event, cause))

    def apply(
        self, contact_id: int, label: Label, command: Command, cause: CausingEvent | None = None
    ) -> Outcome | None:
        """Decide on `command`; return its outcome, or None if nothing happened."""
        pair = (label.no, contact_id)
        state = self.states.get(pair, NOTHING)
        outcome = decide(state, command)
        if outcome is None:
            return None
        self.states[pair] = evolve(state, command, outcome)
        self.touched.add(pair)
        reason = refusal(state, command) if isinstance(command, AssertLabel) else None
        gives_back = outcome == "assigned" and state.withdrawn_by_self
        self.decisions.append(
            AssignmentDecision(contact_id, label, command.at, outcome, reason, command.origin, None, cause, gives_back)
        )
        return outcome

    def merge(self, contact_id: int, source: Label, into: Label, at: datetime) -> None:
        """Add the assignment of `source` to that of `into`, and remove it from `source`.

        Both must have been read. The history of both labels shows what happened.
        """
        origin = Origin(kind="label_merged", label_id=source.id)
        source_pair, pair = (source.no, contact_id), (into.no, contact_id)
        source_state, before = self.states[source_pair], self.states.get(pair, NOTHING)
        after = merged(before, source_state)
        self.states[pair] = after
        self.touched.add(pair)
        if after.held and not before.held:
            self._record(contact_id, into, at, "assigned", origin)
        elif before.held and not after.held:
            self._record(contact_id, into, at, "removed", origin)
        elif source_state.held and after.held:
            self._record(contact_id, into, at, "confirmed", origin)
        if source_state.held:
            self._record(contact_id, source, at, "removed", Origin(kind="label_merged", label_id=into.id))

    def _record(self, contact_id: int, label: Label, at: datetime, outcome: Outcome, origin: Origin) -> None:
        self.decisions.append(AssignmentDecision(contact_id, label, at, outcome, None, origin, None, None))

    def refuse(
        self, contact_id: int, label: Label, command: Command, reason: str, cause: CausingEvent | None = None
    ) -> None:
        """Record an attempt that is refused for `reason`, in any state."""
        self.decisions.append(
            AssignmentDecision(contact_id, label, command.at, "refused", reason, command.origin, None, cause)
        )
