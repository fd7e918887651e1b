"""The outcomes of the rows of a file of old clicks, and of the accepted clicks."""

import asyncio
from time import monotonic
from typing import NamedTuple

from deploy.command_line.client import ApiProblem, Client, Json

BATCH = 1000  # the maximum that tracking accepts in one request
LOOK_EVERY = 0.5  # seconds
PATIENCE = 15.0  # seconds without any change


class RefusedRow(NamedTuple):
    """A row that was refused, with the reason."""

    row: int
    pointer: str
    detail: str


class AcceptedRow(NamedTuple):
    """A row that was accepted, with the id of its report."""

    row: int
    id: str


class ReplayOutcome:
    """The outcomes of the rows so far."""

    def __init__(self) -> None:
        self.rows = 0
        self.accepted: list[AcceptedRow] = []
        self.refused: list[RefusedRow] = []
        self.read = 0  # bytes of the file
        self.recorded: int | None = None  # None: unknown
        self.waiting: list[int] = []  # rows whose clicks wait for a contact or message
        self.lost: list[int] = []  # rows whose clicks are neither recorded nor waiting

    def as_object(self) -> Json:
        """Return the outcome as JSON values, for programs."""
        known: Json = {"recorded": self.recorded, "waiting": sorted(self.waiting), "not_recorded": sorted(self.lost)}
        return {
            "rows": self.rows,
            "accepted": len(self.accepted),
            **(known if self.recorded is not None else {}),
            "refused": [refused._asdict() for refused in sorted(self.refused)],
        }


async def settle(client: Client, outcome: ReplayOutcome) -> None:
    """Wait until each accepted click is recorded, waits for its contact or message, or is known not to be recorded.

    A state that has not changed for `PATIENCE` seconds is final: the report is a dead letter, or was dropped
    intentionally.
    """
    outcome.recorded = 0
    changed_at = monotonic()
    for start in range(0, len(outcome.accepted), BATCH):
        unsettled = {one.id: one.row for one in outcome.accepted[start : start + BATCH]}
        states: dict[str, str] = {}
        while True:
            answer = await client.post("tracking", "/v1/clicks/lookup", {"ids": list(unsettled)})
            before, states = states, {item["id"]: item["state"] for item in answer["items"]}
            if states != before:
                changed_at = monotonic()
            for report_id in [one for one, state in states.items() if state == "recorded"]:
                del unsettled[report_id], states[report_id]
                outcome.recorded += 1
            if "unknown" not in states.values() or monotonic() - changed_at > PATIENCE:
                break
            await asyncio.sleep(LOOK_EVERY)
        outcome.waiting += [unsettled[one] for one, state in states.items() if state == "waiting"]
        outcome.lost += [unsettled[one] for one, state in states.items() if state == "unknown"]


async def settle_if_possible(client: Client, outcome: ReplayOutcome) -> None:
    """Do the same as `settle`; leave `recorded` unknown if the service is a version without the endpoint."""
    try:
        await settle(client, outcome)
    except ApiProblem as refused:
        if refused.status not in (404, 405):
            raise
        outcome.recorded = None
