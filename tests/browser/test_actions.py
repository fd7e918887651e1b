"""Actions and their outcomes in the browser: a failed run that resumes, an erasure, the effect of a campaign."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.shop import Shop
from tests.scenarios.scene import Account
from tests.stack.waiting import wait_until

HTML = '<p><a href="https://shop.example/dogs">Dogs</a></p>'
PEOPLE = 1_200  # nine in ten are held out, and an interval needs at least a thousand
CLICKED = 60
WITHIN = 120.0  # seconds


@pytest.fixture(scope="module")
def account(shop: Shop) -> Iterator[Account]:
    with Account.open(shop.account.scene, "Actions") as opened:
        yield opened


@pytest.fixture
def visitor(browser: Browser, shop: Shop, account: Account) -> Iterator[Visit]:
    """Provide a page of an administrator of the account."""
    opened = Visit(browser, shop)
    opened.sign_in(shop.sign_in_link(account))
    yield opened
    opened.close()


def test_a_failed_run_can_be_retried_after_its_step_is_fixed(visitor: Visit, account: Account) -> None:
    (trigger,) = account.labels("Trigger")
    account.post("labeling", "/v1/contacts", {"email": "run@shop.example", "labels": []})
    (contact,) = account.get("labeling", "/v1/contacts?email=run@shop.example")["items"]
    deleted, replacement = (account.message(HTML, name)["id"] for name in ("Gone", "Kept"))
    submitted = {"on": "ContactEngaged", "kind": "form.submitted"}
    form = {"id": "form", "wait_for": {"any": [submitted], "at_most": {"days": 3}}}
    workflow = {
        "name": "Offer",
        "triggers": [{"on": "LabelAssigned", "label": trigger}],
        "steps": [form, {"id": "offer", "send": {"message": deleted}}],
    }
    made = account.post("workflow", "/v1/workflows", workflow)
    account.post("workflow", f"/v1/workflows/{made['id']}/activate")
    account.ask("labeling", "PUT", f"/v1/contacts/{contact['contact_id']}/labels/{trigger}")
    run = account.first_run(made["id"])
    account.ask("tracking", "DELETE", f"/v1/messages/{deleted}?force=true")
    wait_until(lambda: account.get("workflow", f"/v1/workflows/{made['id']}").get("broken"))
    now = datetime.now(UTC).isoformat()
    report = {"contact_id": contact["contact_id"], "kind": "form.submitted", "occurred_at": now}
    account.post("labeling", "/v1/engagements", [report])
    wait_until(lambda: account.get("workflow", f"/v1/runs/{run}")["state"] == "failed")

    page = visitor.page
    page.goto(f"/a/{account.account_id}/runs/{run}")
    expect(page.locator(".head .chip")).to_have_text("failed")
    workflow["steps"] = [form, {"id": "offer", "send": {"message": replacement}}]
    account.ask("workflow", "PUT", f"/v1/workflows/{made['id']}", workflow)
    page.get_by_role("button", name="Try it again").click()
    expect(page.get_by_role("status").first).to_have_text("The run continues from the step that failed.")
    expect(page.locator(".head .chip")).to_have_text("finished")
    assert page.get_by_role("button", name="Try it again").count() == 0


def test_a_contact_is_erased_after_confirmation(visitor: Visit, account: Account) -> None:
    account.post("labeling", "/v1/contacts", {"email": "erase@shop.example"})
    (contact,) = account.get("labeling", "/v1/contacts?email=erase@shop.example")["items"]
    path = f"/a/{account.account_id}/contacts"
    page = visitor.page
    page.goto(f"{path}/{contact['contact_id']}")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Erase…").click()
    expect(page.locator("h1")).to_have_text("Erase erase@shop.example?")
    page.get_by_role("link", name="Keep it").click()
    expect(page.locator("h1")).to_have_text("erase@shop.example")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Erase…").click()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("status").first).to_have_text("The contact is erased.")
    assert account.request("labeling", "GET", f"/v1/contacts/{contact['contact_id']}").status_code == 404
    page.get_by_label("Search").fill("erase@shop.example")
    expect(page.get_by_text("No contacts found")).to_be_visible()
    answer = page.goto(f"{path}/{contact['contact_id']}")
    assert answer is not None
    assert answer.status == 404
    # The browser logs the status 404.
    visitor.errors.clear()


def launch_and_wait(account: Account, message: str, name: str, label: str) -> dict[str, Any]:
    """Launch a campaign to contacts with the label, most of them held out; return it once it is done."""
    body = {
        "name": name,
        "message_id": message,
        "audience": {"include": [{"label": label}]},
        "hold_out_percent": 90,
    }
    path = f"/v1/campaigns/{account.post('segmentation', '/v1/campaigns', body)['id']}"
    account.post("segmentation", f"{path}/launch")

    def done() -> dict[str, Any] | None:
        found: dict[str, Any] = account.get("segmentation", path)
        return found if found["state"] == "done" else None

    return wait_until(done, within=WITHIN)


def test_the_effect_of_a_campaign_is_shown_if_enough_contacts_were_held_out(visitor: Visit, account: Account) -> None:
    few, many = account.labels("Few", "Many")
    message = account.message(HTML, "Spring")
    link = message["links"][0]["id"]
    rows: list[dict[str, Any]] = [
        {"email": f"lift{number}@shop.example", "labels": ["Many"]} for number in range(PEOPLE)
    ]
    rows[0]["labels"] = ["Few", "Many"]
    account.ask("labeling", "POST", "/v1/contacts/batch", rows, timeout=WITHIN)
    counted = {"criterion": {"label": many}}
    wait_until(lambda: account.post("segmentation", "/v1/criteria/count", counted)["count"] == PEOPLE, within=WITHIN)

    campaigns = f"/a/{account.account_id}/campaigns"
    page = visitor.page
    page.goto(f"{campaigns}/{launch_and_wait(account, message['id'], 'A few', few)['id']}")
    expect(page.get_by_text("Too few people were held out to measure the effect.")).to_be_visible()

    found = launch_and_wait(account, message["id"], "Many", many)
    assert found["counts"]["held_out"] > 1_000
    answer = account.get("segmentation", f"/v1/campaigns/{found['id']}/recipients?status=requested&limit=1000")
    clicks = [
        {
            "contact_id": one["contact_id"],
            "message_id": message["id"],
            "link_id": link,
            "occurred_at": datetime.now(UTC).isoformat(),
            "hint": "human",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        }
        for one in answer["items"][:CLICKED]
    ]
    account.post("tracking", "/v1/clicks", clicks)
    clicked = {"criterion": {"clicks": {"message": message["id"]}}}
    wait_until(lambda: account.post("segmentation", "/v1/criteria/count", clicked)["count"] == CLICKED, within=WITHIN)
    lift = account.get("segmentation", f"/v1/campaigns/{found['id']}/report")["lift"]["clicked"]
    assert lift["lowest"] > 0
    page.goto(f"{campaigns}/{found['id']}")
    notice = page.locator(".notice.info")
    expect(notice).to_contain_text("Effect of the campaign")
    for share in (lift["sent"], lift["difference"], lift["lowest"], lift["highest"]):
        expect(notice).to_contain_text(f"{share * 100:.1f} %")
