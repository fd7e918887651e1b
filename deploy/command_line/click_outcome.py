"""What becomes of the rows of a file of old clicks, and of the clicks that were accepted."""

import asyncio
from time import monotonic
from typing import NamedTuple

from deploy.command_line.client import ApiProblem, Client, Json

BATCH = 1000  # the most that tracking takes, and is asked for, at once
LOOK_EVERY = 0.5  # seconds
PATIENCE = 15.0  # seconds without any change


class RefusedRow(NamedTuple):
    """A row that was not taken, and why."""

    row: int
    pointer: str
    detail: str


class AcceptedRow(NamedTuple):
    """A row that was taken, and the id of its report."""

    row: int
    id: str


class ReplayOutcome:
    """What has become of the rows so far."""

    def __init__(self) -> None:
        self.rows = 0
        self.accepted: list[AcceptedRow] = []
        self.refused: list[RefusedRow] = []
        self.read = 0  # bytes
        self.recorded: int | None = None  # not known
        self.waiting: list[int] = []  # rows
        self.lost: list[int] = []  # rows whose clicks were neither recorded nor wait

    def as_object(self) -> Json:
        """Return it for programs."""
        known: Json = {"recorded": self.recorded, "waiting": sorted(self.waiting), "not_recorded": sorted(self.lost)}
        return {
            "rows": self.rows,
            "accepted": len(self.accepted),
            **(known if self.recorded is not None else {}),
            "refused": [refused._asdict() for refused in sorted(self.refused)],
        }


async def settle(client: Client, outcome: ReplayOutcome) -> None:
    """Wait until every click that was accepted is recorded, waits for its contact or message, or is not recorded.

    What has not changed for `PATIENCE` seconds does not change any more: a dead letter, or left out on purpose.
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
    """Do the same, unless the service is one that cannot say."""
    try:
        await settle(client, outcome)
    except ApiProblem as refused:
        if refused.status not in (404, 405):
            raise
        outcome.recorded = None
