"""Steps and clicks that the previous version writes during an upgrade are listed like those of this version."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.workflow.domain.runs import Causation, StepTaken
from shared.store.database import Database

pytestmark = pytest.mark.asyncio

RUN, WORKFLOW, MESSAGE = UUID(int=1), UUID(int=2), UUID(int=3)
INSERT_RUN = """
INSERT INTO runs (
    run_id, workflow_id, version, account_id, contact_id, partition, state, step_id, since, steps_taken, taken,
    trigger_type, trigger_event, trigger_occurred_at, trigger_recorded_at, depth, started_at, cause_event, trigger_body
)
VALUES ($1, $2, 1, 1, 1, 1, 'running', 'wait', now(), 1, '{}', 'LabelAssigned', $1, now(), now(), 0, now(), '', '')
"""
INSERT_STEP = """
INSERT INTO run_steps (run_id, number, step_id, kind, at, result, cause_event) VALUES ($1, $2, $3, $4, now(), $5, '')
"""
STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("send", {"message_id": str(MESSAGE), "idempotency_key": "one"}),
    ("send", {"not_sent": "unsubscribed"}),
    ("send", {"failed": "the message is gone"}),
    ("if", {"branch": "then"}),
    ("if", {"branch": "else"}),
    ("wait", {}),
    ("exit_on", {}),
)


def outcome_of(kind: str, result: dict[str, Any]) -> str:
    return StepTaken(1, "any", kind, datetime.now(UTC), None, result, Causation("")).outcome


async def test_steps_without_an_outcome_get_the_outcome_that_the_domain_computes(database: Database) -> None:
    await database.pool.execute(INSERT_RUN, RUN, WORKFLOW)
    for number, (kind, result) in enumerate(STEPS, 1):
        await database.pool.execute(INSERT_STEP, RUN, number, f"step-{number}", kind, json.dumps(result))
    rows = await database.pool.fetch("SELECT workflow_id, kind, outcome, result FROM run_steps ORDER BY number")
    assert [(row["workflow_id"], row["outcome"]) for row in rows] == [
        (WORKFLOW, outcome_of(kind, result)) for kind, result in STEPS
    ]


async def test_a_click_belongs_to_the_step_that_sent_its_message(database: Database) -> None:
    await database.pool.execute(INSERT_RUN, RUN, WORKFLOW)
    for number, (kind, result) in enumerate(STEPS, 1):
        await database.pool.execute(INSERT_STEP, RUN, number, f"step-{number}", kind, json.dumps(result))
    await database.pool.execute("INSERT INTO run_clicks (run_id, message_id) VALUES ($1, $2)", RUN, MESSAGE)
    [click] = await database.pool.fetch("SELECT workflow_id, step_id, at FROM run_clicks")
    assert (click["workflow_id"], click["step_id"]) == (WORKFLOW, "step-1")
    assert click["at"] is not None
