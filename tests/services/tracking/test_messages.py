"""Messages are registered, edited, labelled and returned with tracked links."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from services.tracking.domain.links import find_links
from shared.events.tracking import MessageChanged
from shared.tokens import TokenKeys
from tests.services.tracking.process import KEYS
from tests.services.tracking.rig import BROWSER, NOW, Rig
from tests.stack.waiting import until

HTML = """<!doctype html>\r\n<p>Spring!</p><a href='https://shop.example/dogs?a=1&amp;b=2'>Dogs</a>
<a href="mailto:us@shop.example">Write</a><a href="https://shop.example/cats"><img alt="Cats" src=x></a>
<!--[if mso]><v:roundrect href="https://shop.example/cats"><center>Cats!</center></v:roundrect><![endif]-->
<a href="{{ unsubscribe_url }}">Unsubscribe</a>"""
SEND = {"kind": "workflow", "id": str(uuid4()), "sent_at": "2026-06-01T08:00:00.250000Z"}


def summaries_of(links: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [(link["number"], link["url"], link["text"], link["trackable"], link.get("reason")) for link in links]


async def label_links(rig: Rig, message: Mapping[str, Any], labels: object) -> httpx.Response:
    return await rig.http.put(f"/v1/messages/{message['id']}/link-labels", json=labels)


@pytest.mark.asyncio
async def test_a_message_lists_its_links_in_order(rig: Rig) -> None:
    message = await rig.message(HTML)
    assert (message["name"], message["revision"]) == ("Spring", 1)
    assert summaries_of(message["links"]) == [
        (1, "https://shop.example/dogs?a=1&b=2", "Dogs", True, None),
        (2, "mailto:us@shop.example", "Write", False, "mailto"),
        (3, "https://shop.example/cats", "Cats", True, None),
        (4, "https://shop.example/cats", "Cats!", True, None),
        (5, "{{ unsubscribe_url }}", "Unsubscribe", False, "unsubscribe"),
    ]
    assert "reason" not in message["links"][0]
    again = await rig.http.get(f"/v1/messages/{message['id']}")
    assert again.json() == message
    assert (await rig.http.get(f"/v1/messages/{message['id']}/links?limit=2")).json()["items"] == message["links"][:2]


@pytest.mark.asyncio
async def test_a_message_is_published_before_its_registration_is_answered(rig: Rig) -> None:
    message = await rig.message(HTML)
    published = await rig.read("tracking.catalog")
    records = [msgspec.json.decode(record.value, type=MessageChanged) for record in published]
    (event,) = [event for event in records if str(event.message_id) == message["id"]]
    assert [str(link.id) for link in event.links] == [link["id"] for link in message["links"]]
    assert (event.account_id, event.revision, event.state) == (rig.account_id, 1, "active")


@pytest.mark.asyncio
async def test_an_edit_keeps_unchanged_links_with_their_labels(rig: Rig) -> None:
    dogs = await rig.label("Dogs")
    message = await rig.message(HTML)
    assert (await label_links(rig, message, {message["links"][0]["id"]: [dogs]})).status_code == 200
    path = f"/v1/messages/{message['id']}"
    tag = (await rig.http.get(path)).headers["etag"]
    moved = '<a href="https://shop.example/new">New</a><a href="https://shop.example/dogs?a=1&amp;b=2">Dogs</a>'
    edited = await rig.http.put(path, json={"name": "Summer", "html": moved}, headers={"if-match": tag})
    assert edited.status_code == 200, edited.text
    body = edited.json()
    assert (body["name"], body["revision"]) == ("Summer", 2)
    assert summaries_of(body["links"]) == [
        (6, "https://shop.example/new", "New", True, None),
        (1, "https://shop.example/dogs?a=1&b=2", "Dogs", True, None),
    ]
    assert body["links"][1]["id"] == message["links"][0]["id"]
    assert body["links"][1]["labels"] == [{"id": dogs, "name": "Dogs", "by": "hand"}]
    stale = await rig.http.put(path, json={"name": "Autumn", "html": moved}, headers={"if-match": tag})
    assert stale.status_code == 412
    assert (await rig.http.get(path, headers={"if-none-match": edited.headers["etag"]})).status_code == 304


@pytest.mark.asyncio
async def test_new_labels_are_accepted_and_foreign_deleted_or_unknown_ones_rejected(rig: Rig) -> None:
    message = await rig.message(HTML)
    first, second = message["links"][0]["id"], message["links"][2]["id"]
    foreign = await rig.label("Theirs", account_id=rig.account_id + 10_000)
    deleted = await rig.label("Gone", state="deleted")
    dogs = await rig.label("Dogs")
    answer = await rig.http.put(f"/v1/messages/{message['id']}/links/{first}/labels", json={"label_ids": [dogs, dogs]})
    assert answer.status_code == 200
    assert answer.json()["labels"] == [{"id": dogs, "name": "Dogs", "by": "hand"}]
    for wrong in (foreign, deleted, str(uuid4())):
        rejected = await label_links(rig, message, {first: [], second: [dogs, wrong]})
        assert rejected.status_code == 422
        assert rejected.json()["errors"][0]["pointer"] == f"/{second}/1"
    unknown = str(uuid4())
    rejected = await label_links(rig, message, {unknown: [dogs]})
    assert (rejected.status_code, rejected.json()["errors"][0]["pointer"]) == (422, f"/{unknown}")
    # A rejected request changes nothing: the first link still has its label.
    assert len((await rig.http.get(f"/v1/messages/{message['id']}")).json()["links"][0]["labels"]) == 1


@pytest.mark.asyncio
async def test_links_of_an_older_revision_can_be_labelled(rig: Rig) -> None:
    dogs = await rig.label("Dogs")
    message = await rig.message(HTML)
    await rig.http.put(f"/v1/messages/{message['id']}", json={"name": "x", "html": "<p>"})
    path = f"/v1/messages/{message['id']}/links/{message['links'][0]['id']}/labels"
    assert (await rig.http.put(path, json={"label_ids": [dogs]})).json()["labels"][0]["name"] == "Dogs"


@pytest.mark.asyncio
async def test_rejects_messages_with_too_much_link_text_or_too_many_links(rig: Rig) -> None:
    long = "".join(f'<a href="https://shop.example/{number}">{"🐕" * 500}</a>' for number in range(900))
    many = "".join(f'<a href="https://shop.example/{number}">{number}</a>' for number in range(3_001))
    message = await rig.message(HTML)
    for html in (long, many):
        body = {"name": "x", "html": html}
        assert (await rig.http.post("/v1/messages", json=body)).status_code == 422
        assert (await rig.http.put(f"/v1/messages/{message['id']}", json=body)).status_code == 422
    assert (await rig.http.put(f"/v1/messages/{message['id']}", json={"name": "x", "html": HTML})).status_code == 200
    large = await rig.message(long[: len(long) // 3])
    assert (await rig.http.delete(f"/v1/messages/{large['id']}")).status_code == 204


@pytest.mark.asyncio
async def test_tokens_are_returned_one_line_per_recipient(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7, 8)
    path = f"/v1/messages/{message['id']}/tokens"
    answer = await rig.http.post(path, json={"send": SEND, "external_ids": ["e8", "nobody", "e7"]})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    first, missing, last = map(json.loads, answer.text.splitlines())
    assert (first["contact_id"], last["contact_id"]) == (8, 7)
    assert (missing["index"], missing["code"], missing["pointer"]) == (1, "not_found", "/external_ids/1")
    token = first["token"]
    assert first["links"] == {
        link["id"]: f"{rig.process.url}/c/{token}.{link['number']}" for link in message["links"] if link["trackable"]
    }
    contents = TokenKeys.parse(KEYS).read(token.encode())
    assert (contents.account_id, contents.contact_id, str(contents.message_id)) == (rig.account_id, 8, message["id"])
    assert contents.send is not None
    assert msgspec.to_builtins(contents.send) == SEND
    short = await rig.http.post(f"{path}?links=false", json={"send": SEND, "contact_ids": [8]})
    assert short.json() == {"contact_id": 8, "token": token}


@pytest.mark.asyncio
async def test_tokens_are_available_for_a_contact_that_was_just_published(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.publish(rig.contact(7))
    assert set(await rig.tokens(message, 7)) == {7}


@pytest.mark.asyncio
async def test_ten_thousand_tokens_are_returned_within_two_seconds(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    await rig.pool.execute(
        "INSERT INTO contacts (account_id, contact_id, state, tracked, sequence)"
        " SELECT $1, number, 'active', true, 0 FROM generate_series(1000, 10999) AS number",
        rig.account_id,
    )
    body = {"contact_ids": list(range(1000, 11_000))}
    answer = await rig.http.post(f"/v1/messages/{message['id']}/tokens", json=body)
    assert len({line["token"] for line in map(json.loads, answer.text.splitlines())}) == 10_000
    assert answer.elapsed.total_seconds() < 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contact_ids": []},
        {"contact_ids": [1], "external_ids": ["x"]},
        {"contact_ids": ["1"]},
        {"contact_ids": [1], "send": {"kind": "campaign", "id": "x" * 41, "sent_at": "2026-06-01T08:00:00Z"}},
        {"contact_ids": [1], "send": {"kind": "campaign", "id": "🐕" * 11, "sent_at": "2026-06-01T08:00:00Z"}},
        {"contact_ids": [1], "send": {"kind": "mailing", "id": "x", "sent_at": "2026-06-01T08:00:00Z"}},
        {"contact_ids": [1], "send": {"kind": "campaign", "id": "x", "sent_at": "2300-06-01T08:00:00Z"}},
        {"contact_ids": [1], "send": {"kind": "campaign", "id": "x", "sent_at": "2026-06-01"}},
    ],
)
@pytest.mark.asyncio
async def test_rejects_invalid_recipients_and_sends(rig: Rig, body: object) -> None:
    message = await rig.message(HTML)
    assert (await rig.http.post(f"/v1/messages/{message['id']}/tokens", json=body)).status_code == 422


@pytest.mark.asyncio
async def test_the_html_equals_the_original_except_for_tracked_hrefs(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    path = f"/v1/messages/{message['id']}/html"
    personal = await rig.http.get(path, params={"contact_id": 7})
    assert personal.headers["content-type"] == "text/html; charset=utf-8"
    urls = [link.url for link in find_links(personal.text)]
    assert [url.startswith(f"{rig.process.url}/c/") for url in urls] == [True, False, True, True, False]
    restored = personal.text
    for found, link in zip(urls, message["links"], strict=True):
        restored = restored.replace(found, link["url"].replace("&", "&amp;"))
    assert restored.encode() == HTML.encode()
    for_all = await rig.http.get(path, params={"merge_tag": "{{ token }}"})
    assert f"'{rig.process.url}/c/{{{{ token }}}}.1'" in for_all.text
    assert (await rig.http.get(path)).status_code == 422
    assert (await rig.http.get(path, params={"contact_id": 7, "merge_tag": "x"})).status_code == 422


@pytest.mark.asyncio
async def test_messages_are_listed_newest_first(rig: Rig) -> None:
    ids = [(await rig.message(HTML))["id"] for _ in range(3)]
    first = (await rig.http.get("/v1/messages?limit=2")).json()
    assert [item["id"] for item in first["items"]] == ids[:0:-1]
    assert (first["total"], first["items"][0]["link_count"]) == (3, 5)
    rest = (await rig.http.get("/v1/messages", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in rest["items"]] == ids[:1]
    assert rest["next_cursor"] is None


@pytest.mark.asyncio
async def test_a_message_of_another_account_is_not_found(rig: Rig) -> None:
    message = await rig.message(HTML)
    label = await rig.label("Dogs")
    link = message["links"][0]["id"]
    path = f"/v1/messages/{message['id']}"
    async with await rig.client("read", "write", account_id=rig.account_id + 10_000) as other:
        answers = [
            await other.get(path),
            await other.get(f"{path}/links"),
            await other.get(f"{path}/stats"),
            await other.get(f"{path}/html?contact_id=7"),
            await other.put(path, json={"name": "x", "html": "<p>"}),
            await other.put(f"{path}/links/{link}/labels", json={"label_ids": [label]}),
            await other.put(f"{path}/link-labels", json={link: [label]}),
            await other.post(f"{path}/tokens", json={"contact_ids": [7]}),
        ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


@pytest.mark.asyncio
async def test_keys_allow_only_requests_within_their_scopes(rig: Rig) -> None:
    async with await rig.client("read") as reader, await rig.client("write") as writer:
        assert (await reader.post("/v1/messages", json={"name": "x", "html": "<p>"})).status_code == 403
        assert (await writer.post("/v1/messages", json={"name": "x", "html": "<p>"})).status_code == 201
        assert (await writer.get("/v1/messages")).status_code == 403
        assert (await reader.get("/v1/messages")).status_code == 200
    assert (await rig.browser.get(f"{rig.process.url}/v1/messages")).status_code == 401


@pytest.mark.asyncio
async def test_the_error_for_too_many_links_points_to_the_html(rig: Rig) -> None:
    html = "".join(f'<a href="https://shop.example/{number}/{"x" * 100}">{number}</a>' for number in range(5000))
    answer = await rig.http.post("/v1/messages", json={"name": "x", "html": html})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/html")


@pytest.mark.asyncio
async def test_requests_with_the_same_idempotency_key_register_one_message(rig: Rig) -> None:
    headers = {"idempotency-key": str(uuid4())}
    body = {"name": "x", "html": HTML}
    first = await rig.http.post("/v1/messages", json=body, headers=headers)
    again = await rig.http.post("/v1/messages", json=body, headers=headers)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())


@pytest.mark.asyncio
async def test_label_changes_affect_only_later_clicks(rig: Rig) -> None:
    dogs = await rig.label("Dogs")
    message = await rig.message(HTML)
    link = message["links"][0]["id"]
    await rig.contacts(1, 2)
    report = {"message_id": message["id"], "link_id": link, "occurred_at": NOW.isoformat(), "user_agent": BROWSER}
    await rig.report(report | {"contact_id": 1})

    async def is_counted() -> bool:
        return bool((await rig.numbers(message))["contacts"])

    await until(is_counted)
    await label_links(rig, message, {link: [dogs]})
    await rig.report(report | {"contact_id": 2})
    assert [len(event.labels) for event in await rig.click_events(2)] == [0, 1]
