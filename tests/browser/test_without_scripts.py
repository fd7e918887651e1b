"""Pages by plain HTTP: what they do, who may use them, and that names are escaped."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from services.console.api.routers import ROUTERS
from tests.browser.plain import Plain
from tests.browser.shop import Shop
from tests.scenarios.scene import Account
from tests.stack.waiting import wait_until

HARM = "<script>window.harm=7</script>"
FORMULA = "=1+1"
# A reader may count, try and look up: these change nothing.
_CHANGE_NOTHING = ("/criteria/build", "/workflows/build", "/campaigns/numbers", "/try", "/suppressions/lookup")


@pytest.fixture(scope="module")
def account(shop: Shop) -> Iterator[Account]:
    """Provide an account of its own, with a contact, labels, a message, a segment and a workflow."""
    with Account.open(shop.account.scene, "Plain") as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(shop: Shop, account: Account) -> Iterator[Plain]:
    with Plain.at(shop, account) as plain:
        yield plain


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
def reader(shop: Shop, admin: Plain, home: str) -> Iterator[Plain]:
    """Provide a browser of a user who was invited as a reader."""
    invitation = {"name": "Rik", "email": "rik@plain.example", "role": "read"}
    page = admin.http.post(f"{home}settings/people", data=invitation)
    found = re.search(r'id="invitation-link"[^>]*value="([^"]+)"', page.text)
    assert found is not None
    with Plain(shop.console.url) as plain:
        assert plain.http.post(found[1], data={"name": "Rik"}).status_code == 303
        yield plain


def changes() -> list[str]:
    """Return the paths of all forms that change something in an account."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    paths = [route.path for route in routes if "POST" in (route.methods or ()) and route.path.startswith("/a/")]
    return [path for path in paths if not path.endswith(_CHANGE_NOTHING)]


def test_a_reader_may_change_nothing(reader: Plain, account: Account) -> None:
    named = {"account_id": str(account.account_id), "contact_id": "1", "version": "1", "key": "city"}
    assert len(changes()) > 50
    for path in changes():
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
def test_a_reader_sees_no_button_that_changes(reader: Plain, home: str, ids: dict[str, str], path: str) -> None:
    page = reader.http.get(home + path.format(**ids))
    assert page.status_code == 200, page.text[:2000]
    body = page.text.partition('<main id="main"')[2]
    # The label form of a message has no button for a reader; without a button it changes nothing.
    forms = re.findall(r'<form[^>]*method="post"[^>]*>.*?</form>', body, re.DOTALL)
    assert [form[:200] for form in forms if "<button" in form and "lookup" not in form] == []
    assert re.findall(r'href="[^"]*/(?:new|edit|delete|merge|erase|activate|launch|give)"', body) == []


def test_names_are_text_on_every_page(admin: Plain, account: Account, home: str, ids: dict[str, str]) -> None:
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


def test_formulas_are_shown_as_text_and_neutralised_in_a_file(admin: Plain, account: Account, home: str) -> None:
    account.post("labeling", "/v1/labels", {"name": FORMULA})
    body = {"email": "sum@customers.example", "external_id": "=2+5", "labels": [FORMULA]}
    account.post("labeling", "/v1/contacts", body)
    assert FORMULA in admin.get(f"{home}labels")
    assert "=2+5" in admin.get(f"{home}contacts?q=sum")
    admin.post(f"{home}exports", {"of": "all", "format": "csv_excel"})
    export = wait_until(lambda: finished(account))
    file = admin.http.get(f"{home}exports/{export}/file").text
    [row] = [line for line in file.splitlines() if "sum@customers.example" in line]
    cells = [cell.strip('"') for cell in re.split("[;,]", row)]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [cell for cell in cells if cell.endswith("=2+5")]


def finished(account: Account) -> str | None:
    items: list[dict[str, Any]] = account.get("labeling", "/v1/exports")["items"]
    return next((str(one["id"]) for one in items if one["state"] == "done"), None)


def test_the_rule_for_utm_parameters_is_a_setting(admin: Plain, account: Account, home: str) -> None:
    fields = {"utm_source": "newsletter", "utm_medium": "", "utm_campaign": "{message_name}"}
    admin.post(f"{home}settings/utm", fields)
    expected = {"source": "newsletter", "medium": None, "campaign": "{message_name}"}
    assert account.get("labeling", "/v1/account")["utm"] == expected
    assert 'value="newsletter"' in admin.http.get(f"{home}settings").text
    admin.post(f"{home}settings/utm", {**fields, "utm_source": ""})
    assert account.get("labeling", "/v1/account")["utm"] is None


def test_the_limits_are_said(admin: Plain, home: str) -> None:
    assert "Segments" in admin.get(f"{home}settings/limits")
    assert "10,000" in admin.get(f"{home}settings/limits")


def test_the_way_to_the_preference_page_of_a_contact(
    admin: Plain, account: Account, home: str, ids: dict[str, str]
) -> None:
    answer = admin.http.get(f"{home}contacts/{ids['contact']}/preferences")
    assert answer.status_code == 303, answer.text[:1000]
    page = admin.http.get(account.scene.url("labeling") + urlsplit(answer.headers["Location"]).path)
    assert page.status_code == 200
    assert page.url.path.startswith("/p/")


def test_a_label_for_many_is_previewed_given_and_taken_back(
    admin: Plain, account: Account, home: str, ids: dict[str, str]
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


def page_with(plain: Plain, path: str, text: str) -> str | None:
    page = plain.get(path)
    return page if text in page else None


def test_a_campaign_is_scheduled_and_cancelled(admin: Plain, account: Account, home: str, ids: dict[str, str]) -> None:
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


def test_versions_of_a_workflow_are_compared_and_one_comes_back(
    admin: Plain, account: Account, home: str, ids: dict[str, str]
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


def test_a_segment_says_who_uses_it(admin: Plain, account: Account, home: str, ids: dict[str, str]) -> None:
    criterion = {"not": {"segment": ids["segment"]}}
    account.post("segmentation", "/v1/segments", {"name": "The others", "criterion": criterion})
    page = admin.get(f"{home}segments/{ids['segment']}")
    assert "The others (segment)" in page
    assert "From tomorrow on" in page


def test_a_message_is_deleted_after_a_question(admin: Plain, account: Account, home: str, ids: dict[str, str]) -> None:
    unused = account.post("tracking", "/v1/messages", {"name": "Unused", "html": "<p>x</p>"})["id"]
    assert "This cannot be undone" in admin.get(f"{home}messages/{unused}/delete")
    admin.post(f"{home}messages/{unused}/delete", {})
    admin.get(f"{home}messages/{unused}", status=404)
    activated = account.post("workflow", f"/v1/workflows/{ids['workflow']}/activate")
    assert activated["state"] == "active"
    assert "Welcome (workflow)" in wait_until(lambda: refused(admin, f"{home}messages/{ids['message']}/delete"))


def refused(plain: Plain, path: str) -> str | None:
    return plain.post(path, {}, status=409)


def test_the_operator_says_from_which_domains_an_account_sends(admin: Plain, reader: Plain, account: Account) -> None:
    path = f"/operations/accounts/{account.account_id}"
    assert "shop.example" in admin.get(path)
    admin.post(path, {"sender_domains": "shop.example\nnews.example", "click_domain": ""})
    assert account.get("labeling", "/v1/account")["sender_domains"] == ["shop.example", "news.example"]
    reader.get(path, status=403)
    reader.post(path, {"sender_domains": "evil.example"}, status=403)


def test_a_field_is_called_otherwise(admin: Plain, account: Account, home: str) -> None:
    field = {"key": "size", "name": "Size", "type": "choice", "choices": ["S", "M"]}
    account.post("labeling", "/v1/fields", field)
    admin.post(f"{home}settings/fields/size/edit", {"name": "Shirt size", "choices": "S, M, L"})
    found = account.get("labeling", "/v1/fields/size")
    assert (found["name"], found["choices"]) == ("Shirt size", ["S", "M", "L"])
    admin.post(f"{home}settings/fields/size/edit", {"name": ""}, status=422)


def test_a_form_opens_in_each_language_of_the_account(admin: Plain, account: Account, home: str) -> None:
    account.ask("labeling", "PATCH", "/v1/account", {"languages": ["nl", "fr"]})
    form = account.post("labeling", "/v1/forms", {"name": "Newsletter"})
    page = wait_until(lambda: page_with(admin, f"{home}forms/{form['id']}", "Open the page: Français"), 30)
    assert "Signed up and confirmed 0" in page


def test_clicks_are_drawn_on_the_mail(admin: Plain, account: Account, home: str, ids: dict[str, str]) -> None:
    click = {
        "contact_id": int(ids["contact"]), "message_id": ids["message"], "url": "https://shop.example/dogs",
        "occurred_at": datetime.now(UTC).isoformat(), "user_agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
    }  # fmt: skip
    account.post("tracking", "/v1/clicks", [click, {**click, "user_agent": "curl/8", "hint": "machine"}])
    path = f"{home}messages/{ids['message']}/mail"
    wait_until(lambda: "1 click · 1 by a machine" in admin.http.get(path).text)
    assert "1 click · 1 by a machine" in admin.http.get(f"{path}?days=7").text
    page = admin.get(f"{home}messages/{ids['message']}/clicks")
    assert "the program says that it is a robot; according to the report of the click" in page
    assert "Clicks over time" in page


def test_what_was_reported_can_be_chosen(admin: Plain, account: Account, home: str, ids: dict[str, str]) -> None:
    answered = {"contact_id": int(ids["contact"]), "kind": "survey.answered", "ref": "spring-survey"}
    account.post("labeling", "/v1/engagements", [{**answered, "occurred_at": datetime.now(UTC).isoformat()}])
    wait_until(lambda: '<option value="spring-survey">' in admin.http.get(f"{home}segments/new").text)
    assert '<option value="spring-survey">' in admin.http.get(f"{home}workflows/new").text
    kinds = account.get("segmentation", "/v1/engagement-kinds")["items"]
    assert {"kind": "survey.answered", "ref": "spring-survey"} in kinds


def test_the_first_page_says_what_happened_today(
    admin: Plain, account: Account, home: str, ids: dict[str, str]
) -> None:
    account.post("workflow", f"/v1/workflows/{ids['workflow']}/activate")
    held = f"/v1/contacts/{ids['contact']}/labels/{ids['label']}"
    account.ask("labeling", "DELETE", held)
    wait_until(lambda: account.get("segmentation", f"/v1/segments/{ids['segment']}")["count"] == 0)
    account.ask("labeling", "PUT", held)
    page = wait_until(lambda: page_with(admin, home, 'entered the workflow "Welcome"'))
    assert "Labels gained today" in page
    assert "Dogs: 1" in page


# The last one here: the sessions of the other tests are of the same person.
def test_signing_out_everywhere_ends_every_session(shop: Shop, account: Account, home: str) -> None:
    with Plain.at(shop, account) as here, Plain.at(shop, account) as there:
        assert here.http.post("/sign-out", data={"everywhere": "yes"}).status_code == 303
        answer = there.http.get(f"{home}labels")
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")
        assert there.http.post(f"{home}labels/new", data={"name": "Late"}).status_code == 401
