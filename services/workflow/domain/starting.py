"""Decides whether a contact may start a workflow again."""

from dataclasses import dataclass

from services.workflow.domain.definitions import Reentry

# The maximum length of a chain of runs, each started by an effect of the previous one. Two workflows that trigger each
# other would run for ever; ten runs are more than any intended chain.
MAX_DEPTH = 10


@dataclass(slots=True)
class EntryHistory:
    """The number of times that the contact started the workflow, and of those runs that are not over.

    `seen_before`: True if a run exists, including one that was stopped before its first step.
    """

    started: int = 0
    running: int = 0
    seen_before: bool = False


def may_start(reentry: Reentry, past: EntryHistory) -> bool:
    """Return whether a run may start, according to the workflow's `reentry`."""
    if reentry == "once":
        return past.started == 0
    return reentry == "every_time" or past.running == 0


def stopped_reason(depth: int) -> str | None:
    """Return why a run at this depth must not start; None if it may."""
    if depth <= MAX_DEPTH:
        return None
    return f"workflows trigger each other: {MAX_DEPTH} runs of this contact have already started one another"
