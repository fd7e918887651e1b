"""A contest form gives the label "Contest"; a survey answer takes "Prospect" away.

`set-up` creates the two workflows; repeating it changes nothing. `form` reports a form by HTTP, and `survey` a survey
answer by Kafka. Both ways have the same effect.

    python docs/examples/forms_and_surveys.py set-up
    python docs/examples/forms_and_surveys.py form anna@shop.example contest-spring
    python docs/examples/forms_and_surveys.py survey anna@shop.example are-you-interested no

Takes PENCHANT_LABELING_URL, PENCHANT_WORKFLOW_URL, PENCHANT_KAFKA and PENCHANT_API_KEY from the environment
(`penchant env` prints them).
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaProducer

LABELING = os.environ["PENCHANT_LABELING_URL"]
WORKFLOW = os.environ["PENCHANT_WORKFLOW_URL"]
http = httpx.Client(headers={"Authorization": f"Bearer {os.environ['PENCHANT_API_KEY']}"}, timeout=30)


def label(name: str) -> str:
    """Return the id of the label; create the label if it does not exist."""
    found = http.get(f"{LABELING}/v1/labels", params={"name": name}).raise_for_status().json()["items"]
    if not found:
        found = [http.post(f"{LABELING}/v1/labels", json={"name": name}).raise_for_status().json()]
    identity: str = found[0]["id"]
    return identity


def workflow(definition: dict[str, Any]) -> None:
    """Create and activate a workflow, unless one with its name exists."""
    listed = http.get(f"{WORKFLOW}/v1/workflows", params={"limit": 1000}).raise_for_status().json()["items"]
    if definition["name"] not in {one["name"] for one in listed}:
        made = http.post(f"{WORKFLOW}/v1/workflows", json=definition).raise_for_status().json()
        http.post(f"{WORKFLOW}/v1/workflows/{made['id']}/activate").raise_for_status()


def set_up() -> None:
    """Create the two workflows."""
    workflow(
        {
            "name": "Contest",
            "triggers": [{"on": "ContactEngaged", "kind": "form.submitted", "ref": "contest-spring"}],
            "steps": [{"assign_label": {"label": label("Contest")}}],
        }
    )
    workflow(
        {
            "name": "Not interested",
            "triggers": [
                {
                    "on": "ContactEngaged",
                    "kind": "survey.answered",
                    "ref": "are-you-interested",
                    "where": {"answer": "no"},
                }
            ],
            "reentry": "every_time",
            "steps": [{"remove_label": {"label": label("Prospect")}}],
        }
    )


def form(email: str, ref: str) -> None:
    """Report a form, as a website does. `data` stays in labeling and is never published."""
    report = {
        "id": str(uuid4()),  # stored with the form: a repeated report with the same id counts once
        "email": email,
        "kind": "form.submitted",
        "ref": ref,
        "occurred_at": datetime.now(UTC).isoformat(),
        "attributes": {"page": "/contest"},
        "data": {"favourite colour": "blue"},
    }
    http.post(f"{LABELING}/v1/engagements", json=[report]).raise_for_status()


async def survey(account_id: int, email: str, ref: str, answer: str) -> None:
    """Report an answer, as a survey tool with Kafka does: one record, identified by its source and id."""
    report = {
        "account_id": account_id,
        "email": email,
        "kind": "survey.answered",
        "ref": ref,
        "occurred_at": datetime.now(UTC).isoformat(),
        "attributes": {"answer": answer},
    }
    headers = {
        "ce_specversion": "1.0",
        "ce_type": "penchant.EngagementReported.v1",
        "ce_source": "/survey-tool",
        "ce_id": str(uuid4()),
    }
    async with AIOKafkaProducer(bootstrap_servers=os.environ["PENCHANT_KAFKA"], acks="all") as producer:
        await producer.send_and_wait(
            f"{os.environ.get('PENCHANT_TOPIC_PREFIX', '')}intake.engagements",
            json.dumps(report).encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["set-up"]:
            set_up()
        case ["form", email, ref]:
            form(email, ref)
        case ["survey", email, ref, answer]:
            account = http.get(f"{LABELING}/v1/account").raise_for_status().json()
            asyncio.run(survey(account["account_id"], email, ref, answer))
        case _:
            sys.exit(__doc__)
