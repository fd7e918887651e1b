"""Whether a contact may start a workflow once more."""

from dataclasses import dataclass

from services.workflow.domain.definitions import Reentry

# Runs that led to one another, each started by what the one before did. Two workflows that trigger each other would
# go on for ever; ten in a row are more than any that was meant.
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
    """Return whether a run may start, by the workflow's rule for contacts that come back."""
    if reentry == "once":
        return past.started == 0
    return reentry == "every_time" or past.running == 0


def stopped_reason(depth: int) -> str | None:
    """Return why a run at this depth must not continue; None if it may."""
    if depth <= MAX_DEPTH:
        return None
    return (
        f"workflows trigger each other: {MAX_DEPTH} runs of this contact have led to one another, and this would be "
        "one more"
    )
