"""The HTTP API of messages as mails: corrected links, blocks with criteria, senders, rendering and deletion."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.events.labeling import AccountChanged
from shared.events.segmentation import CampaignAudience, CampaignChanged, CampaignState, SegmentChanged
from shared.events.workflow import Uses, WorkflowChanged
from tests.services.tracking.rig import NOW, Rig
from tests.stack.waiting import until

pytestmark = pytest.mark.asyncio
BLOCK = (
    "<p>Hi {{field.first_name|there}}</p><!-- penchant:block hero --><!-- penchant:variant dogs -->"
    '<a href="https://shop.example/dogs">Dogs</a><!-- penchant:variant cats --><a href="https://shop.example/cats">Cats'
    '</a><!-- penchant:fallback -->News<!-- /penchant:block --><a href="{{unsubscribe_url}}">Unsubscribe</a>'
)


async def update_message(rig: Rig, message: dict[str, Any], html: str) -> dict[str, Any]:
    answer = await rig.http.put(f"/v1/messages/{message['id']}", json={"name": "Spring", "html": html})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_link_corrected_after_sending_redirects_to_the_new_url(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dgos">Dogs</a><a href="mailto:a@b.example">Mail</a>')
    path = f"/v1/messages/{message['id']}/links"
    link, mail = message["links"]
    await rig.contacts(7)
    tracked = (await rig.tokens(message, 7))[7][link["id"]]
    answer = await rig.http.patch(f"{path}/{link['id']}", json={"url": "https://shop.example/dogs"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["url_in_message"] == "https://shop.example/dgos"
    assert (await rig.browser.get(tracked)).headers["location"] == "https://shop.example/dogs"
    for url in ("mailto:a@b.example", "/x", rig.process.url + "/c/x.1"):
        rejected = await rig.http.patch(f"{path}/{link['id']}", json={"url": url})
        assert (rejected.status_code, rejected.json()["errors"][0]["pointer"]) == (422, "/url")
    rejected = await rig.http.patch(f"{path}/{mail['id']}", json={"tracking": "always"})
    assert (rejected.status_code, rejected.json()["errors"][0]["pointer"]) == (422, "/tracking")
    assert (await rig.http.patch(f"{path}/{uuid4()}", json={})).status_code == 404
    never = await rig.http.patch(f"{path}/{link['id']}", json={"tracking": "never", "url": None})
    assert (never.json()["reason"], never.json()["url"]) == ("never", "https://shop.example/dgos")
    html = await rig.http.get(f"/v1/messages/{message['id']}/html?contact_id=7")
    assert "https://shop.example/dgos" in html.text
    assert (await rig.browser.get(tracked)).headers["location"] == "https://shop.example/dgos"


async def test_tracking_always_overrides_the_guess_even_after_an_edit(rig: Rig) -> None:
    message = await rig.message('<a href="https://r.example/afmelden">Afmelden bij de gemeente</a>')
    link = message["links"][0]
    assert link["reason"] == "unsubscribe"
    path = f"/v1/messages/{message['id']}/links/{link['id']}"
    assert (await rig.http.patch(path, json={"tracking": "always"})).json()["trackable"] is True
    edited = await update_message(rig, message, '<a href="https://r.example/afmelden">x</a>')
    assert edited["links"][0]["trackable"] is True


async def test_an_edit_returns_the_links_that_lost_their_labels(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dogs">Dogs</a>')
    label = await rig.label("Dogs")
    await rig.http.put(f"/v1/messages/{message['id']}/link-labels", json={message["links"][0]["id"]: [label]})
    kept = await update_message(rig, message, '<a href="https://shop.example/dogs?utm_source=x">Dogs</a>' * 2)
    assert [[one["name"] for one in link["labels"]] for link in kept["links"]] == [["Dogs"], ["Dogs"]]
    assert kept["lost_labels"] == []
    lost = (await update_message(rig, message, '<a href="https://shop.example/cats">Cats</a>'))["lost_labels"]
    assert [(one["number"], one["labels"][0]["name"]) for one in lost] == [(1, "Dogs"), (2, "Dogs")]


async def test_a_link_moved_into_a_block_keeps_its_id_and_labels(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dogs">Dogs</a>')
    label = await rig.label("Dogs")
    await rig.http.put(f"/v1/messages/{message['id']}/link-labels", json={message["links"][0]["id"]: [label]})
    edited = await update_message(rig, message, BLOCK)
    kept = edited["links"][0]
    assert (kept["id"], kept["labels"][0]["name"]) == (message["links"][0]["id"], "Dogs")
    assert edited["blocks"][0]["links"][0] == kept["id"]


async def test_links_that_are_already_tracked_have_a_reason_and_a_hint(rig: Rig) -> None:
    message = await rig.message(f'<a href="{rig.process.url}/c/TOKEN.1">Shop</a><a href="www.a.example">x</a>')
    assert [(link["reason"], bool(link["hint"])) for link in message["links"]] == [
        ("tracked", True),
        ("no_scheme", True),
    ]


async def test_blocks_have_criteria_that_are_validated_and_published(rig: Rig) -> None:
    message = await rig.message(BLOCK)
    (block,) = message["blocks"]
    assert block == {
        "block": "hero",
        "variants": [{"variant": "dogs"}, {"variant": "cats"}],
        "fallback": True,
        "links": [link["id"] for link in message["links"][:2]],
    }
    label = await rig.label("Dogs")
    path = f"/v1/messages/{message['id']}/blocks"
    wanted = [
        {"variant": "cats", "criterion": {"not": {"label": label}}},
        {"variant": "dogs", "criterion": {"label": label}},
    ]
    answer = await rig.http.put(f"{path}/hero", json={"variants": wanted})
    assert answer.status_code == 200, answer.text
    assert [one["variant"] for one in answer.json()["blocks"][0]["variants"]] == ["cats", "dogs"]
    assert answer.json()["blocks"][0]["variants"][1]["criterion"] == {"label": {"id": label}}
    assert (await rig.http.put(f"{path}/other", json={"variants": []})).status_code == 404
    for variants, pointer in [
        (wanted[:1], "/variants"),
        ([*wanted, wanted[0]], "/variants/2/variant"),
        ([wanted[0], {"variant": "x", "criterion": {"label": label}}], "/variants/1/variant"),
        ([wanted[0], {"variant": "dogs", "criterion": {"label": str(uuid4())}}], "/variants/1/criterion/label/id"),
        ([wanted[0], {"variant": "dogs", "criterion": {"nope": 1}}], "/variants/1/criterion"),
    ]:
        rejected = await rig.http.put(f"{path}/hero", json={"variants": variants})
        assert rejected.status_code == 422, rejected.text
        assert rejected.json()["errors"][0]["pointer"].startswith(pointer)

    async def published() -> list[str]:
        records = await rig.read("tracking.catalog")
        return [record.value.decode() for record in records if message["id"].encode() in record.value]

    event = json.loads((await published())[-1])
    assert [one["variant"] for one in event["blocks"][0]["variants"]] == ["cats", "dogs"]
    await rig.label("Dogs", label_id=label, state="deleted")

    async def are_broken() -> bool:
        shown = (await rig.http.get(f"/v1/messages/{message['id']}")).json()
        return all(one.get("broken") for one in shown["blocks"][0]["variants"])

    await until(are_broken)


async def test_mismatched_markers_are_rejected_with_line_and_column(rig: Rig) -> None:
    rejected = await rig.http.post("/v1/messages", json={"name": "x", "html": "a\n<!-- penchant:block b -->"})
    assert rejected.status_code == 422
    assert rejected.json()["errors"] == [
        {"pointer": "/html", "detail": "Line 2, column 1: block b is never closed", "line": 2, "column": 1}
    ]


async def test_mails_are_rendered_for_recipients(rig: Rig) -> None:
    sender = await rig.http.post("/v1/senders", json={"name": "Shop", "email": "news@shop.example"})
    assert sender.status_code == 201, sender.text
    body = {
        "name": "Spring", "html": BLOCK, "subject": "Hi {{field.first_name}}", "preheader": "Soon",
        "sender_id": sender.json()["id"], "subject_variants": {"dogs": "Dogs!"}, "reply_to": "a@shop.example",
    }  # fmt: skip
    answer = await rig.http.post("/v1/messages", json=body)
    assert answer.status_code == 201, answer.text
    message = answer.json()
    assert [block["block"] for block in message["blocks"]] == ["subject", "hero"]
    recipients = [
        {
            "contact_id": 1,
            "fields": {"first_name": "<Ann>"},
            "content": {"hero": "dogs", "subject": "dogs", "gone": "x"},
        },
        {"contact_id": 2, "content": {"hero": ""}},
        {"contact_id": 3, "content": {"hero": "birds"}},
    ]
    path = f"/v1/messages/{message['id']}/render"
    rendered = await rig.http.post(path, json={"recipients": recipients, "send": None})
    assert rendered.status_code == 200, rendered.text
    first, second, third = map(json.loads, rendered.text.splitlines())
    assert (first["subject"], second["subject"]) == ("Dogs!", "Hi ")
    assert "Hi &lt;Ann&gt;" in first["html"]
    assert ">Dogs</a>" in first["html"]
    assert "Cats" not in first["html"]
    assert f"/u/{first['token']}" in first["html"]
    assert "Hi there" in second["text"]
    assert "News" in second["text"]
    assert first["sender"] == {"name": "Shop", "email": "news@shop.example"}
    assert first["reply_to"] == "a@shop.example"
    assert third["pointer"] == "/recipients/2/content/hero"
    assert (await rig.http.post(path, json={"recipients": recipients[2:]})).status_code == 422
    assert (await rig.http.post(path, json={"recipients": recipients[:1], "revision": 9})).status_code == 404
    await update_message(rig, message, "<p>New</p>")
    old = await rig.http.post(path, json={"recipients": recipients[1:2], "revision": 1})
    assert "News" in json.loads(old.text)["text"]
    new = await rig.http.post(path, json={"recipients": recipients[1:2]})
    assert json.loads(new.text)["text"] == "New"
    deleted = await rig.http.delete(f"/v1/senders/{sender.json()['id']}")
    assert deleted.status_code == 204, deleted.text


async def test_a_pipeline_key_renders_for_the_account_in_the_header(rig: Rig) -> None:
    message = await rig.message(BLOCK)
    pipeline = await rig.client("pipeline", account_id=rig.account_id + 100_000)
    body = {"recipients": [{"contact_id": 1}]}
    named = {"Penchant-Account": str(rig.account_id)}
    path = f"/v1/messages/{message['id']}/render"
    async with pipeline:
        assert (await pipeline.post(path, json=body, headers=named)).status_code == 200
        assert (await pipeline.post(path, json=body)).status_code == 422
        assert (await pipeline.post(path, json=body, headers={"Penchant-Account": "999"})).status_code == 404
        assert (await pipeline.get("/v1/messages", headers=named)).status_code == 403


async def test_html_shows_the_variants_of_the_given_content(rig: Rig) -> None:
    message = await rig.message(BLOCK)
    await rig.contacts(7)
    path = f"/v1/messages/{message['id']}/html?contact_id=7"
    dogs = await rig.http.get(f"{path}&content=hero:dogs")
    assert ">Dogs</a>" in dogs.text
    assert "penchant:" not in dogs.text
    assert "{{field.first_name|there}}" in dogs.text
    assert "sandbox" in dogs.headers["content-security-policy"]
    assert "News" in (await rig.http.get(f"{path}&content=hero:")).text
    assert "News" in (await rig.http.get(path)).text
    for content in ("hero:birds", "other:dogs", "hero"):
        assert (await rig.http.get(f"{path}&content={content}")).status_code == 422


async def test_senders_must_be_in_domains_that_the_operator_allows(rig: Rig) -> None:
    allowed = ("shop.example",)
    await rig.publish(
        AccountChanged(
            occurred_at=NOW, account_id=rig.account_id, account_name="Shop", time_zone="UTC", sender_domains=allowed
        )
    )
    body = {"name": "Shop", "email": "news@mail.shop.example"}

    async def created() -> dict[str, Any] | None:
        rejected = await rig.http.post("/v1/senders", json={"name": "x", "email": "a@other.example"})
        answer = await rig.http.post("/v1/senders", json=body)
        return answer.json() if rejected.status_code == 422 and answer.status_code == 201 else None

    sender = await until(created)
    path = f"/v1/senders/{sender['id']}"
    changed = await rig.http.patch(path, json={"name": "Shop!", "reply_to": "help@other.example"})
    assert (changed.json()["name"], changed.json()["reply_to"]) == ("Shop!", "help@other.example")
    assert (await rig.http.patch(path, json={"email": "a@other.example"})).status_code == 422
    assert (await rig.http.patch(path, json={"name": "a\nb"})).status_code == 422
    message = await rig.http.post("/v1/messages", json={"name": "x", "html": "x", "sender_id": sender["id"]})
    assert message.status_code == 201, message.text
    used = await rig.http.delete(path)
    assert (used.status_code, used.json()["uses"][0]["kind"]) == (409, "message")
    assert (await rig.http.delete(f"{path}?force=true")).status_code == 204
    assert (await rig.http.get(path)).status_code == 404
    unknown = await rig.http.post("/v1/messages", json={"name": "x", "html": "x", "sender_id": sender["id"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/sender_id")


def campaign(rig: Rig, name: str, state: CampaignState, message_id: str, criterion: dict[str, Any]) -> CampaignChanged:
    return CampaignChanged(
        occurred_at=NOW,
        account_id=rig.account_id,
        campaign_id=uuid4(),
        campaign_name=name,
        campaign_version=1,
        message_id=UUID(message_id),
        audience=CampaignAudience(include=(criterion,)),
        hold_out_percent=0,
        state=state,
    )


async def test_a_used_message_is_deleted_only_by_force_and_its_links_still_redirect(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dogs">Dogs</a>')
    await rig.contacts(7)
    tracked = (await rig.tokens(message, 7))[7][message["links"][0]["id"]]
    values: dict[str, Any] = {"occurred_at": NOW, "account_id": rig.account_id}
    await rig.publish(
        WorkflowChanged(
            **values, workflow_id=uuid4(), workflow_name="W", workflow_version=1, state="active", definition={},
            uses=Uses(messages=(message["id"],)),
        ),
        SegmentChanged(
            **values, segment_id=uuid4(), segment_name="S", segment_version=1, state="active",
            criterion={"clicks": {"link": message["links"][0]["id"]}},
        ),
        campaign(rig, "Sending it", "paused", message["id"], {"all": []}),
        campaign(rig, "Over", "done", message["id"], {"all": []}),
        campaign(rig, "For who clicked", "draft", str(uuid4()), {"clicks": {"message": message["id"]}}),
    )  # fmt: skip
    path = f"/v1/messages/{message['id']}"
    assert "html" not in (await rig.http.get(path)).json()
    assert (await rig.http.get(f"{path}?html=true")).json()["html"] == '<a href="https://shop.example/dogs">Dogs</a>'
    rejected = await rig.http.delete(path)
    assert rejected.status_code == 409, rejected.text
    assert {(use["kind"], use["name"]) for use in rejected.json()["uses"]} == {
        ("workflow", "W"), ("segment", "S"), ("campaign", "Sending it"), ("campaign", "For who clicked"),
    }  # fmt: skip
    assert (await rig.http.delete(f"{path}?force=true")).status_code == 204
    assert (await rig.http.get(path)).status_code == 404
    assert message["id"] not in [one["id"] for one in (await rig.http.get("/v1/messages")).json()["items"]]
    assert (await rig.browser.get(tracked)).headers["location"] == "https://shop.example/dogs"
    await rig.click_events(1)
    event = next(
        record for record in reversed(await rig.read("tracking.catalog")) if message["id"].encode() in record.value
    )
    assert json.loads(event.value)["state"] == "deleted"
