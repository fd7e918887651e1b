"""The examples have the effects that the documentation describes."""

import email
import email.policy
import re
import sqlite3
from pathlib import Path
from typing import Any

import httpx

from tests.docs.conftest import Shop, until

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
HTML = '<html><body>Read the <a href="https://shop.example/guide">puppy guide</a>.</body></html>'


def test_a_form_assigns_a_label_and_a_survey_answer_removes_one(shop: Shop) -> None:
    shop.call("labeling", "POST", "/v1/labels", {"name": "Prospect"})
    anna, bert = (shop.contact(f"{name}@shop.example", labels=["Prospect"]) for name in ("anna", "bert"))
    for _ in range(2):
        shop.example("forms_and_surveys", "set-up")
    shop.example("forms_and_surveys", "form", "anna@shop.example", "contest-spring")
    shop.example("forms_and_surveys", "form", "bert@shop.example", "another-form")
    shop.example("forms_and_surveys", "survey", "bert@shop.example", "are-you-interested", "no")
    shop.example("forms_and_surveys", "survey", "anna@shop.example", "are-you-interested", "yes")
    until(lambda: shop.labels(anna) == {"Prospect", "Contest"})
    until(lambda: shop.labels(bert) == set())


def test_the_third_visit_to_a_page_assigns_its_label(shop: Shop) -> None:
    shop.example("page_visited", "set-up")
    anna = shop.contact("anna@shop.example", external_id="C-1")
    for page in ("/puppies", "/kittens", "/puppies"):
        shop.example("page_visited", "visit", "C-1", page)
    visits = f"/v1/contacts/{anna}/engagements"
    until(lambda: len(shop.call("labeling", "GET", visits)["items"]) == 3)
    assert shop.labels(anna) == set()
    shop.example("page_visited", "visit", "C-1", "/puppies")
    until(lambda: shop.labels(anna) == {"Puppies"})


def test_no_label_event_is_lost_when_the_example_is_killed(shop: Shop) -> None:
    table = shop.folder / "labels.sqlite"
    shop.call("labeling", "POST", "/v1/labels", {"name": "Dogs"})
    cats = shop.call("labeling", "POST", "/v1/labels", {"name": "Cats"})
    plain, standard = shop.start("label_events", str(table)), shop.start("label_events_cloudevents")
    anna = shop.contact("anna@shop.example", labels=["Dogs", "Cats"])
    until(lambda: held(table, shop.account_id, anna) == {"Dogs", "Cats"}, lambda: plain.output)
    plain.kill()
    shop.call("labeling", "DELETE", f"/v1/contacts/{anna}/labels/{cats['id']}")
    bert = shop.contact("bert@shop.example", labels=["Cats"])
    plain = shop.start("label_events", str(table))
    until(
        lambda: held(table, shop.account_id, anna) == {"Dogs"} and held(table, shop.account_id, bert) == {"Cats"},
        lambda: plain.output,
    )
    until(lambda: f"LabelRemoved.v1 from /labeling: contact {anna}, Cats" in standard.output, lambda: standard.output)
    plain.stop()
    standard.stop()


def held(path: Path, account: int, contact: int) -> set[str]:
    with sqlite3.connect(path) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'held'").fetchall()
        asked = "SELECT name FROM held WHERE account = ? AND contact = ?"
        rows = database.execute(asked, (account, contact)).fetchall() if tables else []
    return {name for (name,) in rows}


def test_the_pipeline_sends_and_reports_once_and_a_click_continues_the_run(shop: Shop) -> None:
    outbox = shop.folder / "outbox"
    dogs, nurtured = (
        shop.call("labeling", "POST", "/v1/labels", {"name": name})["id"] for name in ("Dogs", "Nurtured")
    )
    message = shop.call("tracking", "POST", "/v1/messages", {"name": "Puppy guide", "html": HTML})["id"]
    definition = {
        "name": "Dog lovers",
        "triggers": [{"on": "LabelAssigned", "label": dogs}],
        "steps": [
            {"send": {"message": message}},
            {
                "wait_for": {
                    "any": [{"on": "ContactClicked", "send": "this_run"}],
                    "at_most": {"days": 3},
                    "then": [{"assign_label": {"label": nurtured}}],
                }
            },
        ],
    }
    workflow = shop.call("workflow", "POST", "/v1/workflows", definition)["id"]
    shop.call("workflow", "POST", f"/v1/workflows/{workflow}/activate")
    anna = shop.contact("anna@shop.example", labels=["Dogs"])

    pipeline = shop.start("delivery_pipeline", str(outbox))
    [mail] = until(lambda: list(outbox.glob("*.eml")), lambda: pipeline.output)
    sent = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    assert sent["To"] == "anna@shop.example"
    body = sent.get_body(("html",))
    assert body is not None
    [link] = re.findall(r'href="([^"]+)"', body.get_content())
    report = until(lambda: reported(shop, anna), lambda: pipeline.output)
    assert report["message_id"] == message

    # The example is killed and reads everything again: nothing is sent twice.
    pipeline.kill()
    mail.unlink()
    shop.environment["PIPELINE_GROUP"] += "-again"
    pipeline = shop.start("delivery_pipeline", str(outbox))
    bert = shop.contact("bert@shop.example", labels=["Dogs"])
    until(lambda: reported(shop, bert), lambda: pipeline.output)
    assert len(list(outbox.glob("*.eml"))) == 1, "Anna's mail was written again"
    pipeline.stop()

    answer = httpx.get(link, headers=BROWSER, timeout=30)
    assert answer.headers["location"] == "https://shop.example/guide"
    until(lambda: shop.labels(anna) == {"Dogs", "Nurtured"})
    [run] = shop.call("workflow", "GET", f"/v1/workflows/{workflow}/runs?contact_id={anna}")["items"]
    detail = shop.call("workflow", "GET", f"/v1/runs/{run['id']}")
    assert [step["kind"] for step in detail["steps"]] == ["send", "wait_for", "assign_label"]
    until(lambda: chain_of(shop, run["id"]) == ["MessageRequested", "AssignLabel", "LabelAssigned"])


def test_a_pipeline_serves_its_own_account_despite_equal_contact_ids(shop: Shop, other_shop: Shop) -> None:
    sent_to: dict[str, set[str]] = {}
    for one, domain in ((shop, "shop.example"), (other_shop, "other.example")):
        dogs = one.call("labeling", "POST", "/v1/labels", {"name": "Dogs"})["id"]
        message = one.call("tracking", "POST", "/v1/messages", {"name": "Puppy guide", "html": HTML})["id"]
        definition = {
            "name": "Dog lovers",
            "triggers": [{"on": "LabelAssigned", "label": dogs}],
            "steps": [{"send": {"message": message}}],
        }
        workflow = one.call("workflow", "POST", "/v1/workflows", definition)["id"]
        one.call("workflow", "POST", f"/v1/workflows/{workflow}/activate")
        contacts = [one.contact(f"{name}@{domain}", labels=["Dogs"]) for name in ("anna", "bert")]
        assert contacts == [1, 2], "ids begin at 1 in every account"
        sent_to[domain] = {f"{name}@{domain}" for name in ("anna", "bert")}

    def addressees(one: Shop) -> set[str]:
        mails = (one.folder / "outbox").glob("*.eml")
        return {email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)["To"] for mail in mails}

    def all_reported() -> bool:
        return all(reported(one, contact) for one in (shop, other_shop) for contact in (1, 2))

    pipelines = [one.start("delivery_pipeline", str(one.folder / "outbox")) for one in (shop, other_shop)]
    until(all_reported, lambda: "\n".join(pipeline.output for pipeline in pipelines))
    assert addressees(shop) == sent_to["shop.example"]
    assert addressees(other_shop) == sent_to["other.example"]
    for pipeline in pipelines:
        pipeline.stop()


def reported(shop: Shop, contact: int) -> Any:
    items = shop.call("labeling", "GET", f"/v1/contacts/{contact}/engagements")["items"]
    found = [item for item in items if item["kind"] == "message.sent"]
    assert len(found) <= 1
    return found[0] if found else None


def chain_of(shop: Shop, run: str) -> list[str]:
    return [event["type"] for event in shop.call("workflow", "GET", f"/v1/runs/{run}")["caused"]]
