"""An account with one object of each kind."""

from typing import Any

from tests.scenarios.scene import Account

CSV = b"email\nimported@customers.example\n"


def html_of(account: Account) -> str:
    """Return the HTML of a newsletter with a link, and with a block whose name no other account uses."""
    return (
        '<a href="https://shop.example/dogs">Dogs</a>'
        f"<!-- penchant:block {block_of(account)} --><!-- penchant:variant dogs -->Woof<!-- /penchant:block -->"
    )


def block_of(account: Account) -> str:
    """Return the name of the block in the account's newsletter."""
    return f"block{account.account_id}"


def definition_started_by(label: str) -> dict[str, Any]:
    """Return a workflow that the label starts and that waits a day."""
    return {
        "name": "Dogs",
        "triggers": [{"on": "LabelAssigned", "label": label}],
        "steps": [{"wait": {"days": 1}}],
    }


def create_one_of_each_kind(account: Account, field: str = "city", contacts: int = 1) -> dict[str, str]:
    """Create one object of each kind; return the ids by the names of path parameters.

    `field` is the key of a text field. `contacts` contacts are created, and `contact` is the id of the last one: ids
    are numbered per account, so accounts with different numbers of contacts get different ids.
    """
    dogs, doomed = account.labels("Dogs", "Doomed")
    contact = account.contacts(contacts)[-1]
    key = account.post("labeling", "/v1/keys", {"name": "site", "scopes": ["read"]})["id"]
    account.post("labeling", "/v1/fields", {"key": field, "name": "A field", "type": "text"})
    message = account.message(html_of(account))
    criterion = {"any": [{"label": dogs}, {"clicks": {"label": dogs}}]}
    segment = account.post("segmentation", "/v1/segments", {"name": "Dogs", "criterion": criterion})["id"]
    workflow = account.post("workflow", "/v1/workflows", definition_started_by(dogs))["id"]
    account.post("workflow", f"/v1/workflows/{workflow}/activate")
    account.ask("labeling", "PUT", f"/v1/contacts/{contact}/labels/{dogs}", {})
    campaign = {"name": "Dogs", "message_id": message["id"], "audience": {"include": [{"label": dogs}]}}
    return {
        "contact": str(contact),
        "label_id": dogs,
        "key": field,
        "key_id": key,
        "job_id": account.ask("labeling", "DELETE", f"/v1/labels/{doomed}")["id"],
        "message_id": message["id"],
        "link_id": message["links"][0]["id"],
        "segment_id": segment,
        "workflow_id": workflow,
        "run_id": account.first_run(workflow),
        "campaign_id": account.post("segmentation", "/v1/campaigns", campaign)["id"],
        "contact_id": str(contact),
        "block": block_of(account),
        "sender_id": account.post("tracking", "/v1/senders", {"name": "Shop", "email": "news@shop.example"})["id"],
        "form_id": account.post("labeling", "/v1/forms", {"name": "Sign up"})["id"],
        "import_id": account.upload(CSV)["id"],
        "export_id": account.post("labeling", "/v1/exports", {"of": {"label": dogs}, "format": "csv"})["id"],
        "suppression_id": account.suppression("gone@customers.example"),
    }
