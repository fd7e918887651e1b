"""Reported clicks become events; a click that is reported several times is counted once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.services.tracking.rig import BROWSER, NOW, Rig, click
from tests.stack.waiting import until, until_equal

HTML = """<a href="https://shop.example/dogs?a=1&amp;b=2">Dogs</a> <a href="https://shop.example/cats">Cats</a>
<a href="https://shop.example/pets">Pets</a> <a href="https://shop.example/pets">More pets</a>"""
SEND = {"kind": "campaign", "id": "spring", "sent_at": "2026-06-01T08:00:00Z"}
HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_source", b"/pipeline"),
    ("ce_type", b"penchant.ClickReported.v1"),
    ("content-type", b"application/json"),
]


@pytest.mark.asyncio
async def test_a_reported_click_becomes_an_event_with_the_labels_of_its_link(rig: Rig) -> None:
    dogs = await rig.label("Dogs")
    message = await rig.message(HTML)
    link = message["links"][0]
    await rig.http.put(f"/v1/messages/{message['id']}/links/{link['id']}/labels", json={"label_ids": [dogs]})
    await rig.contacts(7)
    assert await rig.report(click(message, send=SEND)) == {"accepted": 1, "errors": []}
    (event,) = await rig.click_events(1)
    assert (event.contact_id, str(event.message_id), str(event.link_id)) == (7, message["id"], link["id"])
    assert event.url == "https://shop.example/dogs?a=1&b=2"
    assert event.occurred_at == NOW
    assert (event.verdict, event.reasons) == ("human", ())
    assert [(str(label.id), label.name) for label in event.labels] == [(dogs, "Dogs")]
    assert event.send is not None
    assert (event.send.kind, event.send.id) == ("campaign", "spring")


@pytest.mark.asyncio
async def test_reports_with_the_same_id_and_source_are_counted_once(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    identity = str(uuid4())
    await rig.report(click(message, id=identity), click(message, id=identity), click(message, id="order-17"))
    await rig.report(click(message, id=identity), click(message, id="order-17"))
    await rig.report(click(message, id="last"))
    value = json.dumps({"account_id": rig.account_id} | click(message)).encode()
    for partition in (1, 2):
        await rig.publish_report(value, [*HEADERS, ("ce_id", identity.encode())], partition)
    assert len(await rig.click_events(4)) == 4  # ids are unique per source: the API's, and the pipeline's
    numbers = await rig.numbers(message)
    assert numbers["clicks"] == {"human": 4, "machine": 0, "unsure": 0}


@pytest.mark.asyncio
async def test_contacts_are_found_by_email_external_id_or_contact_id(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7, email="Ann@Bücher.example", external_id="crm-7")
    await rig.report(
        click(message, contact_id=None, email=" ANN@xn--bcher-kva.example"),
        click(message, contact_id=None, external_id="crm-7"),
        click(message),
    )
    assert [event.contact_id for event in await rig.click_events(3)] == [7, 7, 7]


@pytest.mark.asyncio
async def test_a_click_reported_by_url_carries_the_labels_that_its_links_share(rig: Rig) -> None:
    dogs, cats = await rig.label("Dogs"), await rig.label("Cats")
    message = await rig.message(HTML)
    first, second = message["links"][2], message["links"][3]
    labels = {first["id"]: [dogs, cats], second["id"]: [cats]}
    await rig.http.put(f"/v1/messages/{message['id']}/link-labels", json=labels)
    await rig.contacts(7, 8)
    await rig.report(
        click(message, 7, link_id=None, url="https://shop.example/pets"),
        click(message, 8, link_id=None, url="https://shop.example/dogs?a=1&b=2"),
    )
    pets, dog = await rig.click_events(2)
    assert (str(pets.link_id), [label.name for label in pets.labels]) == (first["id"], ["Cats"])
    assert str(dog.link_id) == message["links"][0]["id"]


@pytest.mark.asyncio
async def test_clicks_get_verdicts_with_reasons(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(1, 2, 3, 4, 5)
    await rig.report(
        click(message, 1, user_agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
        click(message, 2, method="HEAD"),
        click(message, 3, headers={"Sec-Purpose": "prefetch"}),
        click(message, 4, hint="unsure"),
        click(message, 5),
    )
    verdicts = [(event.verdict, event.reasons) for event in await rig.click_events(5)]
    assert verdicts == [
        ("machine", ("crawler",)),
        ("machine", ("head",)),
        ("machine", ("prefetch",)),
        ("unsure", ("hint",)),
        ("human", ()),
    ]
    numbers = await rig.numbers(message)
    assert numbers["clicks"] == {"human": 1, "machine": 3, "unsure": 1}
    assert numbers["contacts"] == 1


@pytest.mark.asyncio
async def test_statistics_are_exact_per_link_and_per_send(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(1, 2)
    other = SEND | {"id": "summer", "sent_at": "2026-06-02T08:00:00Z"}
    await rig.report(
        click(message, 1, 0, send=SEND),
        click(message, 1, 0, send=SEND),
        click(message, 2, 0, send=SEND),
        click(message, 1, 1, send=other),
        click(message, 1, 1, user_agent="curl/8.5.0"),
    )
    await rig.click_events(5)
    numbers = await rig.numbers(message)
    of_links = [
        (link["number"], link["clicks"]["human"], link["clicks"]["machine"], link["contacts"])
        for link in numbers["links"]
    ]
    assert of_links == [(1, 3, 0, 2), (2, 1, 1, 1), (3, 0, 0, 0), (4, 0, 0, 0)]
    of_sends = [
        (send["send"] and send["send"]["id"], send["clicks"]["human"], send["contacts"]) for send in numbers["sends"]
    ]
    assert of_sends == [(None, 0, 0), ("spring", 3, 2), ("summer", 1, 1)]
    assert numbers["contacts"] == 2


@pytest.mark.asyncio
async def test_clicks_of_unknown_contacts_are_held_until_the_contacts_arrive(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.report(
        click(message, 7), click(message, contact_id=None, email="c8@people.example"),
        click(message, contact_id=None, external_id="e9"),
    )  # fmt: skip

    async def all_held() -> bool:
        return await rig.held_count() == 3

    await until(all_held)
    await rig.contacts(7, 8, 9)
    assert [event.contact_id for event in await rig.click_events(3)] == [7, 8, 9]


@pytest.mark.asyncio
async def test_a_held_click_is_retried_once_its_message_is_stored(rig: Rig) -> None:
    """The click is held for an unknown message; its key is then replaced by that of a stored message."""
    await rig.contacts(7)
    message = await rig.message(HTML)
    unknown = {"id": str(uuid4()), "links": message["links"]}
    await rig.report(click(unknown))

    async def is_held() -> bool:
        return await rig.held_count() == 1

    await until(is_held)
    await rig.pool.execute(
        "UPDATE held SET waits_for = array_replace(waits_for, $2, $1) WHERE $2 = ANY(waits_for)",
        f"message:{rig.account_id}:{message['id']}",
        f"message:{rig.account_id}:{unknown['id']}",
    )

    async def is_held_again() -> bool:
        waits_for = await rig.pool.fetchval(
            "SELECT waits_for FROM held WHERE position($1 in convert_from(value, 'UTF8')) > 0", unknown["id"]
        )
        return f"message:{rig.account_id}:{unknown['id']}" in waits_for

    # The click is released and retried, and then held again for the message that it names.
    await until(is_held_again)


@pytest.mark.asyncio
async def test_links_and_messages_of_other_accounts_are_not_found(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    async with await rig.client("write", "read", account_id=rig.account_id + 10_000) as other:
        foreign = await rig.message(HTML, other)
    report_id = str(uuid4())
    await rig.report(click(message, link_id=foreign["links"][0]["id"], id=report_id), click(foreign), click(message))
    assert (await rig.dead_letter_headers(report_id))["dead_reason"] == "the message has no such link"
    assert len(await rig.click_events(1)) == 1
    assert await rig.held_count() == 1


@pytest.mark.asyncio
async def test_bad_reports_become_dead_letters_and_good_ones_are_counted(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    good = json.dumps({"account_id": rig.account_id} | click(message)).encode()
    report_ids = [str(uuid4()) for _ in range(8)]
    bad: list[tuple[bytes | None, list[tuple[str, bytes | None]]]] = [
        (b"{not json", [*HEADERS, ("ce_id", report_ids[0].encode())]),
        (None, [*HEADERS, ("ce_id", report_ids[1].encode())]),
        (b'{"account_id": "one"}', [*HEADERS, ("ce_id", report_ids[2].encode())]),
        (good.replace(b'"contact_id": 7', b'"contact_id": -7'), [*HEADERS, ("ce_id", report_ids[3].encode())]),
        (good, [*HEADERS[:2], ("ce_type", b"penchant.ClickReported.v9"), ("ce_id", report_ids[4].encode())]),
        (good, [*HEADERS[1:], ("ce_id", report_ids[5].encode())]),
        (good, [*HEADERS, ("traceparent", b"\xff\xfe"), ("ce_id", report_ids[6].encode())]),
        (good + b" " * 70_000, [*HEADERS, ("ce_id", report_ids[7].encode())]),
    ]
    for value, headers in bad:
        await rig.publish_report(value, headers)
        await rig.publish_report(good, [*HEADERS, ("ce_id", str(uuid4()).encode())])
    await rig.click_events(8)
    for report_id in report_ids:
        assert (await rig.dead_letter_headers(report_id))["dead_topic"] == "intake.clicks"


@pytest.mark.asyncio
async def test_clicks_too_far_in_the_future_are_rejected(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    ahead = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    problem = await rig.report(click(message, occurred_at=ahead), status=422)
    assert (problem["errors"][0]["index"], problem["errors"][0]["pointer"]) == (0, "/occurred_at")
    value = json.dumps({"account_id": rig.account_id} | click(message, occurred_at=ahead)).encode()
    report_id = str(uuid4())
    await rig.publish_report(value, [*HEADERS, ("ce_id", report_id.encode())])
    assert "in the future" in (await rig.dead_letter_headers(report_id))["dead_reason"]


@pytest.mark.asyncio
async def test_clicks_of_a_merged_contact_go_to_the_contact_it_was_merged_into(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(8, 9)
    await rig.contacts(7, state="merged", merged_into=8, email=None, external_id=None)
    await rig.contacts(6, state="merged", merged_into=7, email=None, external_id=None)
    await rig.report(click(message, 6), click(message, 7))
    assert [event.contact_id for event in await rig.click_events(2)] == [8, 8]


@pytest.mark.asyncio
async def test_events_carry_current_label_names_and_no_deleted_labels(rig: Rig) -> None:
    dogs, cats = await rig.label("Dogs"), await rig.label("Cats")
    message = await rig.message(HTML)
    await rig.http.put(f"/v1/messages/{message['id']}/link-labels", json={message["links"][0]["id"]: [dogs, cats]})
    await rig.contacts(7, 8)
    await rig.report(click(message, 7))
    await rig.click_events(1)
    await rig.label("Hounds", label_id=dogs)
    await rig.label("Cats", label_id=cats, state="deleted")

    async def changes_are_applied() -> bool:
        links = (await rig.http.get(f"/v1/messages/{message['id']}")).json()["links"]
        return [label["name"] for label in links[0]["labels"]] == ["Hounds", "Cats"] and "broken" in links[0]["labels"][
            1
        ]

    await until(changes_are_applied)
    await rig.report(click(message, 8))
    before, after = await rig.click_events(2)
    assert [label.name for label in before.labels] == ["Dogs", "Cats"]
    assert [label.name for label in after.labels] == ["Hounds"]


@pytest.mark.asyncio
async def test_lists_of_clicks_are_filtered_and_paginated(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(1, 2)
    times = [(NOW + timedelta(minutes=minute)).isoformat() for minute in range(3)]
    await rig.report(
        click(message, 1, 0, occurred_at=times[0], send=SEND, ip="192.0.2.1", headers={"accept": "*/*"}, method="GET"),
        click(message, 2, 1, occurred_at=times[1], user_agent="curl/8.5.0"),
        click(message, 1, 1, occurred_at=times[2]),
    )
    await rig.click_events(3)

    async def listed(**query: object) -> list[tuple[int, int]]:
        params = {name: value if isinstance(value, list) else str(value) for name, value in query.items()}
        answer = await rig.http.get("/v1/clicks", params=params)
        assert answer.status_code == 200, answer.text
        return [(item["contact_id"], item["link_number"]) for item in answer.json()["items"]]

    assert await listed() == [(1, 2), (2, 2), (1, 1)]
    assert await listed(contact_id=1) == [(1, 2), (1, 1)]
    assert await listed(message_id=message["id"], verdict="machine") == [(2, 2)]
    assert await listed(send="spring") == [(1, 1)]
    assert await listed(since=times[1], until=times[2]) == [(2, 2)]
    assert await listed(message_id=uuid4()) == []
    links = [link["id"] for link in message["links"]]
    assert await listed(message_id=message["id"], link_id=links[1]) == [(1, 2), (2, 2)]
    assert await listed(message_id=message["id"], link_id=links[1], verdict="human") == [(1, 2)]
    assert await listed(message_id=message["id"], link_id=links[:3]) == [(1, 2), (2, 2), (1, 1)]
    assert await listed(message_id=message["id"], link_id=uuid4()) == []
    problem = (await rig.http.get("/v1/clicks", params={"link_id": links[0]})).json()
    assert [(error["pointer"], error["detail"]) for error in problem["errors"]] == [
        ("/query/link_id", "needs `message_id`")
    ]
    item = (await rig.http.get("/v1/clicks?contact_id=1")).json()["items"][1]
    assert (item["user_agent"], item["ip"], item["headers"], item["method"]) == (
        BROWSER,
        "192.0.2.1",
        {"accept": "*/*"},
        "GET",
    )
    assert item["send"]["id"] == "spring"
    first = (await rig.http.get("/v1/clicks?limit=2")).json()
    rest = (await rig.http.get("/v1/clicks", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]


@pytest.mark.asyncio
async def test_each_report_of_a_batch_is_accepted_or_rejected_individually(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    answer = await rig.report(
        click(message),
        click(message, contact_id=None),
        click(message, account_id=9),
        click(message, link_id=None),
        click(message, send=SEND | {"extra": 1}),
        click(message, occurred_at="yesterday"),
    )
    assert answer["accepted"] == 1
    assert [(error["index"], error["pointer"]) for error in answer["errors"]] == [
        (1, ""), (2, "/account_id"), (3, ""), (4, "/send/extra"), (5, "/occurred_at"),
    ]  # fmt: skip
    await rig.report(click(message, contact_id=0), status=422)
    await rig.report(status=422)
    await rig.click_events(1)


@pytest.mark.asyncio
async def test_lookup_returns_the_state_of_each_report(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    ids = ["é-1", str(uuid4()), "left out", "nobody reported it"]
    await rig.report(
        click(message, id=ids[0]), click(message, 8, id=ids[1]), click(message, id=ids[2], send=SEND | {"kind": "test"})
    )

    async def states() -> list[str]:
        answer = await rig.http.post("/v1/clicks/lookup", json={"ids": ids})
        assert [item["id"] for item in answer.json()["items"]] == ids
        return [item["state"] for item in answer.json()["items"]]

    await until_equal(states, ["recorded", "waiting", "unknown", "unknown"])
    await rig.contacts(8)
    await until_equal(states, ["recorded", "recorded", "unknown", "unknown"])
    async with await rig.client("write", account_id=rig.account_id + 10_000) as other:
        answer = await other.post("/v1/clicks/lookup", json={"ids": ids})
        assert {item["state"] for item in answer.json()["items"]} == {"unknown"}
    assert (await rig.http.post("/v1/clicks/lookup", json={"ids": []})).status_code == 422


@pytest.mark.asyncio
async def test_concurrent_batches_with_repeated_clicks_are_counted_exactly(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(*range(1, 101))
    reports = [click(message, 1 + number % 100, number % 4, id=f"c{number}") for number in range(3000)]
    await asyncio.gather(*(rig.report(*reports[start : start + 1000]) for start in (0, 500, 1000, 1500, 2000)))
    await rig.click_events(3000)
    numbers = await rig.numbers(message)
    assert numbers["clicks"]["human"] == 3000
    assert [link["clicks"]["human"] for link in numbers["links"]] == [750] * 4
    assert [link["contacts"] for link in numbers["links"]] == [25] * 4
    assert numbers["contacts"] == 100
