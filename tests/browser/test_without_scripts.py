"""Pages over plain HTTP: their actions, permissions, and the escaping of names."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from services.console.api.routers import ROUTERS
from tests.browser.plain import PlainClient
from tests.browser.shop import Shop
from tests.scenarios.scene import Account
from tests.stack.waiting import wait_until

HARM = "<script>window.harm=7</script>"
FORMULA = "=1+1"
# Forms that only count, try or look up; a reader may send them.
_READ_ONLY = ("/criteria/build", "/workflows/build", "/campaigns/numbers", "/try", "/suppressions/lookup")


@pytest.fixture(scope="module")
def account(shop: Shop) -> Iterator[Account]:
    """Provide an account for the tests of this module."""
    with Account.open(shop.account.scene, "Plain") as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(shop: Shop, account: Account) -> Iterator[PlainClient]:
    with PlainClient.signed_in(shop, account) as client:
        yield client


@pytest.fixture(scope="module")
def ids(account: Account) -> dict[str, str]:
    dogs, other = account.labels("Dogs", "Other")
    [contact] = account.contacts(1)
    html = '<p><a href="https://shop.example/dogs">Dogs</a></p>'
    message = account.post("tracking", "/v1/messages", {"name": "News", "html": html, "subject": "News"})
    account.ask("labeling", "PUT", f"/v1/contacts/{contact}/labels/{dogs}")
    segment = account.post("segmentation", "/v1/segments", {"name": "Lovers", "criterion": {"label": dogs}})
    definition = {
        "name": "Welcome",
        "triggers": [{"on": "SegmentEntered", "segment": segment["id"]}],
        "steps": [{"send": {"message": message["id"]}}],
    }
    workflow = account.post("workflow", "/v1/workflows", definition)
    return {
        "label": dogs,
        "other": other,
        "contact": str(contact),
        "message": message["id"],
        "segment": segment["id"],
        "workflow": workflow["id"],
    }


@pytest.fixture(scope="module")
def home(account: Account) -> str:
    return f"/a/{account.account_id}/"


@pytest.fixture(scope="module")
def reader(shop: Shop, admin: PlainClient, home: str) -> Iterator[PlainClient]:
    """Provide a client of a user who was invited as a reader."""
    invitation = {"name": "Rik", "email": "rik@plain.example", "role": "read"}
    page = admin.http.post(f"{home}settings/people", data=invitation)
    found = re.search(r'id="invitation-link"[^>]*value="([^"]+)"', page.text)
    assert found is not None
    with PlainClient(shop.console.url) as client:
        assert client.http.post(found[1], data={"name": "Rik"}).status_code == 303
        yield client


def changing_paths() -> list[str]:
    """Return the paths of all forms that change something in an account."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    paths = [route.path for route in routes if "POST" in (route.methods or ()) and route.path.startswith("/a/")]
    return [path for path in paths if not path.endswith(_READ_ONLY)]


def test_every_change_by_a_reader_is_refused(reader: PlainClient, account: Account) -> None:
    named = {"account_id": str(account.account_id), "contact_id": "1", "version": "1", "key": "city"}
    assert len(changing_paths()) > 50
    for path in changing_paths():
        filled = re.sub(r"\{(\w+)\}", lambda found: named.get(found[1], str(uuid4())), path)
        answer = reader.http.post(filled, data={"to": "1", "kind": "label", "id": str(uuid4()), "name": "x"})
        assert answer.status_code == 403, f"{path}: {answer.status_code}"


@pytest.mark.parametrize(
    "path",
    [
        "", "labels", "labels/{label}", "contacts", "contacts/{contact}", "messages", "messages/{message}", "segments",
        "segments/{segment}", "workflows", "workflows/{workflow}", "workflows/{workflow}/versions", "campaigns",
        "imports", "exports", "forms", "settings", "settings/senders", "settings/suppressions", "settings/limits",
    ],
)  # fmt: skip
def test_a_reader_sees_no_buttons_or_links_for_changes(
    reader: PlainClient, home: str, ids: dict[str, str], path: str
) -> None:
    page = reader.http.get(home + path.format(**ids))
    assert page.status_code == 200, page.text[:2000]
    body = page.text.partition('<main id="main"')[2]
    # The label form of a message has no button for a reader; without a button it changes nothing.
    forms = re.findall(r'<form[^>]*method="post"[^>]*>.*?</form>', body, re.DOTALL)
    assert [form[:200] for form in forms if "<button" in form and "lookup" not in form] == []
    assert re.findall(r'href="[^"]*/(?:new|edit|delete|merge|erase|activate|launch|give)"', body) == []


def test_names_are_escaped_on_every_page(admin: PlainClient, account: Account, home: str, ids: dict[str, str]) -> None:
    label = account.post("labeling", "/v1/labels", {"name": HARM})["id"]
    body = {"email": "harm@customers.example", "external_id": f"{HARM}", "labels": [HARM]}
    contact = account.post("labeling", "/v1/contacts", body)["contact_id"]
    segment = account.post("segmentation", "/v1/segments", {"name": HARM, "criterion": {"label": label}})["id"]
    paths = [
        "labels", f"labels/{label}", f"labels/{label}/delete", "contacts", f"contacts/{contact}", "segments",
        f"segments/{segment}", f"segments/{segment}/edit", "exports", f"give?label={label}", "workflows/new",
        f"contacts/{contact}/labels/{label}", "campaigns/new",
    ]  # fmt: skip
    for path in paths:
        text = admin.http.get(home + path).text
        assert HARM not in text, path
        assert "&lt;script&gt;window.harm" in text, path


def test_formulas_are_shown_as_text_and_neutralised_in_exports(admin: PlainClient, account: Account, home: str) -> None:
    account.post("labeling", "/v1/labels", {"name": FORMULA})
    body = {"email": "sum@customers.example", "external_id": "=2+5", "labels": [FORMULA]}
    account.post("labeling", "/v1/contacts", body)
    assert FORMULA in admin.get(f"{home}labels")
    assert "=2+5" in admin.get(f"{home}contacts?q=sum")
    admin.post(f"{home}exports", {"of": "all", "format": "csv_excel"})
    export = wait_until(lambda: finished_export(account))
    file = admin.http.get(f"{home}exports/{export}/file").text
    [row] = [line for line in file.splitlines() if "sum@customers.example" in line]
    cells = [cell.strip('"') for cell in re.split("[;,]", row)]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [cell for cell in cells if cell.endswith("=2+5")]


def finished_export(account: Account) -> str | None:
    """Return the id of an export that is done, if there is one."""
    items: list[dict[str, Any]] = account.get("labeling", "/v1/exports")["items"]
    return next((str(one["id"]) for one in items if one["state"] == "done"), None)


def test_the_rule_for_utm_parameters_can_be_changed(admin: PlainClient, account: Account, home: str) -> None:
    fields = {"utm_source": "newsletter", "utm_medium": "", "utm_campaign": "{message_name}"}
    admin.post(f"{home}settings/utm", fields)
    expected = {"source": "newsletter", "medium": None, "campaign": "{message_name}"}
    assert account.get("labeling", "/v1/account")["utm"] == expected
    assert 'value="newsletter"' in admin.http.get(f"{home}settings").text
    admin.post(f"{home}settings/utm", {**fields, "utm_source": ""})
    assert account.get("labeling", "/v1/account")["utm"] is None


def test_the_limits_are_shown(admin: PlainClient, home: str) -> None:
    assert "Segments" in admin.get(f"{home}settings/limits")
    assert "10,000" in admin.get(f"{home}settings/limits")


def test_preferences_redirects_to_the_preference_page_of_the_contact(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    answer = admin.http.get(f"{home}contacts/{ids['contact']}/preferences")
    assert answer.status_code == 303, answer.text[:1000]
    page = admin.http.get(account.scene.url("labeling") + urlsplit(answer.headers["Location"]).path)
    assert page.status_code == 200
    assert page.url.path.startswith("/p/")


def test_giving_a_label_to_a_segment_can_be_previewed_and_undone(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    fields = {"segment": ids["segment"], "label_id": ids["other"], "held": "yes"}
    assert "Get the label 1" in admin.post(f"{home}give", {**fields, "op": "preview"}, status=200)
    job = admin.post(f"{home}give", {**fields, "op": "go"})
    assert "Contacts changed 1" in wait_until(lambda: page_with(admin, job, "Contacts changed"))
    held = f"/v1/labels/{ids['other']}/contacts"
    assert len(account.get("labeling", held)["items"]) == 1
    undone = admin.post(f"{job}/undo", {})
    wait_until(lambda: page_with(admin, undone, "Contacts changed"))
    assert account.get("labeling", held)["items"] == []


def page_with(client: PlainClient, path: str, text: str) -> str | None:
    """Return the text of the page if it contains `text`."""
    page = client.get(path)
    return page if text in page else None


def test_a_campaign_is_scheduled_and_cancelled(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    fields = {
        "name": "Tomorrow", "message_id": ids["message"], "send_at": tomorrow, "hold_out_percent": "10",
        "i.kind": "any", "i.0.kind": "segment", "i.0.segment": ids["segment"],
    }  # fmt: skip
    path = admin.post(f"{home}campaigns/new", fields)
    campaign = path.rpartition("/")[2]
    assert "Schedule it" in admin.get(f"{path}/launch")
    assert admin.post(f"{path}/launch", {}) == path
    found = account.get("segmentation", f"/v1/campaigns/{campaign}")
    assert found["state"] == "scheduled"
    assert "scheduled" in admin.get(path)
    admin.post(f"{path}/cancel", {})
    assert account.get("segmentation", f"/v1/campaigns/{campaign}")["state"] == "cancelled"


def test_versions_of_a_workflow_are_compared_and_restored(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    path = f"/v1/workflows/{ids['workflow']}"
    before = account.get("workflow", path)
    steps = [*before["steps"], {"wait": {"days": 2}}]
    account.ask("workflow", "PUT", path, {**before, "steps": steps})
    page = admin.get(f"{home}workflows/{ids['workflow']}/versions")
    assert "New: Wait 2 days" in page
    assert 'Send "News"' in page
    admin.post(f"{home}workflows/{ids['workflow']}/versions/1/restore", {})
    after = account.get("workflow", path)
    assert after["version"] == 3
    assert [step["id"] for step in after["steps"]] == [step["id"] for step in before["steps"]]


def test_the_page_of_a_segment_lists_what_uses_it(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    criterion = {"not": {"segment": ids["segment"]}}
    account.post("segmentation", "/v1/segments", {"name": "The others", "criterion": criterion})
    page = admin.get(f"{home}segments/{ids['segment']}")
    assert "The others (segment)" in page
    assert "From tomorrow on" in page


def test_an_unused_message_can_be_deleted_and_a_used_one_cannot(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    unused = account.post("tracking", "/v1/messages", {"name": "Unused", "html": "<p>x</p>"})["id"]
    assert "This cannot be undone" in admin.get(f"{home}messages/{unused}/delete")
    admin.post(f"{home}messages/{unused}/delete", {})
    admin.get(f"{home}messages/{unused}", status=404)
    activated = account.post("workflow", f"/v1/workflows/{ids['workflow']}/activate")
    assert activated["state"] == "active"
    assert "Welcome (workflow)" in wait_until(lambda: conflict_page(admin, f"{home}messages/{ids['message']}/delete"))


def conflict_page(client: PlainClient, path: str) -> str | None:
    """Send an empty form that must be answered with 409; return the text of the page."""
    return client.post(path, {}, status=409)


def test_only_the_operator_can_change_the_sender_domains_of_an_account(
    admin: PlainClient, reader: PlainClient, account: Account
) -> None:
    path = f"/operations/accounts/{account.account_id}"
    assert "shop.example" in admin.get(path)
    admin.post(path, {"sender_domains": "shop.example\nnews.example", "click_domain": ""})
    assert account.get("labeling", "/v1/account")["sender_domains"] == ["shop.example", "news.example"]
    reader.get(path, status=403)
    reader.post(path, {"sender_domains": "evil.example"}, status=403)


def test_the_name_and_the_choices_of_a_field_can_be_changed(admin: PlainClient, account: Account, home: str) -> None:
    field = {"key": "size", "name": "Size", "type": "choice", "choices": ["S", "M"]}
    account.post("labeling", "/v1/fields", field)
    admin.post(f"{home}settings/fields/size/edit", {"name": "Shirt size", "choices": "S, M, L"})
    found = account.get("labeling", "/v1/fields/size")
    assert (found["name"], found["choices"]) == ("Shirt size", ["S", "M", "L"])
    admin.post(f"{home}settings/fields/size/edit", {"name": ""}, status=422)


def test_the_page_of_a_form_links_to_each_language_of_the_account(
    admin: PlainClient, account: Account, home: str
) -> None:
    account.ask("labeling", "PATCH", "/v1/account", {"languages": ["nl", "fr"]})
    form = account.post("labeling", "/v1/forms", {"name": "Newsletter"})
    page = wait_until(lambda: page_with(admin, f"{home}forms/{form['id']}", "Open the page: Français"), 30)
    assert "Signed up and confirmed 0" in page


def test_clicks_are_shown_on_the_mail_and_in_the_list(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    click = {
        "contact_id": int(ids["contact"]), "message_id": ids["message"], "url": "https://shop.example/dogs",
        "occurred_at": datetime.now(UTC).isoformat(), "user_agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
    }  # fmt: skip
    account.post("tracking", "/v1/clicks", [click, {**click, "user_agent": "curl/8", "hint": "machine"}])
    path = f"{home}messages/{ids['message']}/mail"
    wait_until(lambda: "1 click · 1 by a machine" in admin.http.get(path).text)
    assert "1 click · 1 by a machine" in admin.http.get(f"{path}?days=7").text
    page = admin.get(f"{home}messages/{ids['message']}/clicks")
    assert "identified itself as a robot; according to the report of the click" in page
    assert "Clicks over time" in page


def test_reported_engagements_can_be_selected_in_segments_and_workflows(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    answered = {"contact_id": int(ids["contact"]), "kind": "survey.answered", "ref": "spring-survey"}
    account.post("labeling", "/v1/engagements", [{**answered, "occurred_at": datetime.now(UTC).isoformat()}])
    wait_until(lambda: '<option value="spring-survey">' in admin.http.get(f"{home}segments/new").text)
    assert '<option value="spring-survey">' in admin.http.get(f"{home}workflows/new").text
    kinds = account.get("segmentation", "/v1/engagement-kinds")["items"]
    assert {"kind": "survey.answered", "ref": "spring-survey"} in kinds


def test_the_first_page_shows_the_events_of_today(
    admin: PlainClient, account: Account, home: str, ids: dict[str, str]
) -> None:
    account.post("workflow", f"/v1/workflows/{ids['workflow']}/activate")
    held = f"/v1/contacts/{ids['contact']}/labels/{ids['label']}"
    account.ask("labeling", "DELETE", held)
    wait_until(lambda: account.get("segmentation", f"/v1/segments/{ids['segment']}")["count"] == 0)
    account.ask("labeling", "PUT", held)
    page = wait_until(lambda: page_with(admin, home, 'entered the workflow "Welcome"'))
    assert "Labels gained today" in page
    assert "Dogs: 1" in page


# Keep this test last: it also ends the sessions of the other tests, which belong to the same person.
def test_signing_out_everywhere_ends_every_session(shop: Shop, account: Account, home: str) -> None:
    with PlainClient.signed_in(shop, account) as first, PlainClient.signed_in(shop, account) as second:
        assert first.http.post("/sign-out", data={"everywhere": "yes"}).status_code == 303
        answer = second.http.get(f"{home}labels")
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")
        assert second.http.post(f"{home}labels/new", data={"name": "Late"}).status_code == 401
