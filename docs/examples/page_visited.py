"""Contacts who visit the page about puppies three times get the label "Puppies".

The website reports, in batches, the visits of contacts that it recognises (by a log-in, or by the click that brought
them). The workflow is triggered by a visit, and its condition requires three visits within a week.

    python docs/examples/page_visited.py set-up
    python docs/examples/page_visited.py visit CUSTOMER-NUMBER /puppies

Takes PENCHANT_LABELING_URL, PENCHANT_WORKFLOW_URL and PENCHANT_API_KEY from the environment.
"""

import os
import sys
from datetime import UTC, datetime
from uuid import uuid4

import httpx

LABELING = os.environ["PENCHANT_LABELING_URL"]
WORKFLOW = os.environ["PENCHANT_WORKFLOW_URL"]
http = httpx.Client(headers={"Authorization": f"Bearer {os.environ['PENCHANT_API_KEY']}"}, timeout=30)


def set_up() -> None:
    """Create the label, and the workflow that assigns it."""
    puppies = http.post(f"{LABELING}/v1/labels", json={"name": "Puppies"}).raise_for_status().json()["id"]
    visit = {"kind": "page.visited", "ref": "/puppies"}
    definition = {
        "name": "Comes back for puppies",
        "triggers": [{"on": "ContactEngaged", **visit}],
        "condition": {"engaged": {**visit, "at_least": 3, "within_days": 7}},
        "steps": [{"assign_label": {"label": puppies}}],
    }
    made = http.post(f"{WORKFLOW}/v1/workflows", json=definition).raise_for_status().json()
    http.post(f"{WORKFLOW}/v1/workflows/{made['id']}/activate").raise_for_status()


def visited(external_id: str, page: str) -> None:
    """Report a visit; a request may report up to 1,000."""
    visit = {
        "id": str(uuid4()),
        "external_id": external_id,
        "kind": "page.visited",
        "ref": page,
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    http.post(f"{LABELING}/v1/engagements", json=[visit]).raise_for_status()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["set-up"]:
            set_up()
        case ["visit", external_id, page]:
            visited(external_id, page)
        case _:
            sys.exit(__doc__)
