"""Jobs that assign a label to many contacts, over HTTP."""

from collections.abc import Callable
from typing import Any

from tests.services.labeling.api.conftest import Account
from tests.services.labeling.api.waiting import until


def job_done(account: Account, path: str) -> Any:
    until(lambda: account.get(path).json()["state"] in ("done", "failed"))
    found = account.get(path).json()
    assert found["state"] == "done", found
    return found


def holders(account: Account, label: str) -> list[int]:
    return [one["contact_id"] for one in account.get(f"/v1/labels/{label}/contacts").json()["items"]]


def test_assigning_a_label_to_all_holders_of_another_label_can_be_undone(
    account: Account, new_account: Callable[[], Account]
) -> None:
    dogs, pets = (account.make("/v1/labels", {"name": name})["id"] for name in ("Dogs", "Pets"))
    rows = [{"email": f"p{number}@example.com", "labels": ["Dogs"]} for number in range(5)]
    contact_ids = account.make("/v1/contacts/batch", rows)["contact_ids"]
    account.make("/v1/assignments", [{"contact_id": contact_ids[4], "label": "Pets", "held": True}])
    body = {"of": {"label": dogs}, "label_id": pets, "held": True}

    preview = account.post("/v1/assignment-jobs", json={**body, "dry_run": True})
    assert (preview.status_code, preview.json()) == (200, {"changed": 4, "unchanged": 1, "refused": 0})
    assert holders(account, pets) == contact_ids[4:]

    started = account.post("/v1/assignment-jobs", json=body)
    assert started.status_code == 202, started.text
    job = job_done(account, started.headers["location"])
    assert job["result"] == {"changed": 4}
    assert holders(account, pets) == contact_ids
    history = account.get(f"/v1/contacts/{contact_ids[0]}/labels/{pets}/history").json()["items"]
    assert [(entry["outcome"], entry["origin"]["kind"]) for entry in history] == [("assigned", "manual")]
    assert [one["id"] for one in account.get("/v1/jobs").json()["items"]] == [job["id"]]

    other = new_account()
    assert other.post(f"/v1/assignment-jobs/{job['id']}/undo").status_code == 404
    assert other.post("/v1/assignment-jobs", json=body).status_code in (404, 422)
    undo = account.post(f"/v1/assignment-jobs/{job['id']}/undo")
    assert undo.status_code == 202
    job_done(account, undo.headers["location"])
    assert holders(account, pets) == contact_ids[4:]


def test_exactly_one_source_is_required(account: Account) -> None:
    label = account.make("/v1/labels", {"name": "Dogs"})["id"]
    for of in ({}, {"label": label, "segment": label}):
        answer = account.post("/v1/assignment-jobs", json={"of": of, "label_id": label, "held": True})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/of")
