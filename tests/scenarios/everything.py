"""An account with one object of each kind."""

from typing import Any

from tests.scenarios.scene import Account

CSV = b"email\nimported@customers.example\n"


def html_of(account: Account) -> str:
    """Return the HTML of a newsletter with a link, and with a block that no other account has."""
    return (
        '<a href="https://shop.example/dogs">Dogs</a>'
        f"<!-- penchant:block {block_of(account)} --><!-- penchant:variant dogs -->Woof<!-- /penchant:block -->"
    )


def block_of(account: Account) -> str:
    """Return the name of the block in the account's newsletter."""
    return f"block{account.account_id}"


def definition_on(label: str) -> dict[str, Any]:
    """Return a workflow that begins with the label and waits a day."""
    return {
        "name": "Dogs",
        "triggers": [{"on": "LabelAssigned", "label": label}],
        "steps": [{"wait": {"days": 1}}],
    }


def one_of_everything(account: Account, field: str = "city", contacts: int = 1) -> dict[str, str]:
    """Create one object of each kind; return the ids by the names of path parameters.

    `field` is the key of the field, a text. `contacts` contacts are created, and `contact` is the last of them: contact
    ids are counted per account, so accounts can differ in them.
    """
    dogs, doomed = account.labels("Dogs", "Doomed")
    contact = account.contacts(contacts)[-1]
    key = account.post("labeling", "/v1/keys", {"name": "site", "scopes": ["read"]})["id"]
    account.post("labeling", "/v1/fields", {"key": field, "name": "A field", "type": "text"})
    message = account.message(html_of(account))
    criterion = {"any": [{"label": dogs}, {"clicks": {"label": dogs}}]}
    segment = account.post("segmentation", "/v1/segments", {"name": "Dogs", "criterion": criterion})["id"]
    workflow = account.post("workflow", "/v1/workflows", definition_on(dogs))["id"]
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
