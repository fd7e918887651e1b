"""Tracked links redirect, and every click on them is recorded; invalid links get a 404."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import pytest
from msgspec import convert

from shared.events.labeling import AccountChanged, UtmRule
from shared.events.parts import Send
from shared.tokens import SigningKey, TokenContents, TokenKeys
from tests.services.tracking.process import KEYS
from tests.services.tracking.rig import BROWSER, NOW, Rig
from tests.stack.waiting import until_equal

HTML = """<a href="https://shop.example/dogs?a=1&amp;b=2#top">Dogs</a> <a href="mailto:a@b.example">x</a>
<a href="https://shop.example/a%20b/ü c">Cats</a>"""
SEND = {"kind": "campaign", "id": "spring", "sent_at": "2026-06-01T08:00:00Z"}


async def tracked_links(rig: Rig, **send: Any) -> tuple[dict[str, Any], list[str]]:
    """Register a message; return it and contact 7's tracked links."""
    message = await rig.message(HTML)
    await rig.contacts(7)
    links = (await rig.tokens(message, 7, send=SEND | send))[7]
    return message, list(links.values())


@pytest.mark.asyncio
async def test_a_click_redirects_to_the_links_url_and_is_recorded(rig: Rig) -> None:
    message, (dogs, cats) = await tracked_links(rig)
    headers = {
        "accept-language": "nl-BE",
        "cookie": "secret=1",
        "sec-fetch-user": "?1",
        "referer": "https://mail.example/",
    }
    answer = await rig.browser.get(dogs, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/dogs?a=1&b=2#top")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert (await rig.browser.get(cats)).headers["location"] == "https://shop.example/a%20b/%C3%BC%20c"
    events = await rig.click_events(2)
    assert {event.url for event in events} == {
        "https://shop.example/dogs?a=1&b=2#top",
        "https://shop.example/a%20b/ü c",
    }
    assert {event.verdict for event in events} == {"human"}
    assert events[0].send is not None
    assert events[0].send.id == "spring"
    items = (await rig.http.get("/v1/clicks")).json()["items"]
    click = next(item for item in items if item["link_number"] == 1)
    assert (click["method"], click["user_agent"], click["ip"]) == ("GET", BROWSER, "127.0.0.1")
    assert click["headers"].items() >= {"accept-language": "nl-BE", "sec-fetch-user": "?1"}.items()
    assert "cookie" not in click["headers"]
    assert (await rig.numbers(message))["sends"][0]["contacts"] == 1


@pytest.mark.asyncio
async def test_a_head_request_redirects_and_counts_as_a_machine(rig: Rig) -> None:
    _, (dogs, _) = await tracked_links(rig)
    answer = await rig.browser.head(dogs)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/dogs?a=1&b=2#top")
    (event,) = await rig.click_events(1)
    assert (event.verdict, event.reasons) == ("machine", ("head",))


@pytest.mark.asyncio
async def test_unknown_query_parameters_are_ignored(rig: Rig) -> None:
    _, (dogs, _) = await tracked_links(rig)
    answer = await rig.browser.get(f"{dogs}?url=https://evil.example&utm_source=x")
    assert answer.headers["location"] == "https://shop.example/dogs?a=1&b=2#top"
    await rig.click_events(1)


@pytest.mark.asyncio
async def test_links_of_a_test_send_redirect_without_a_recorded_click(rig: Rig) -> None:
    message, (dogs, _) = await tracked_links(rig, kind="test")
    assert (await rig.browser.get(dogs)).status_code == 302
    real = next(iter((await rig.tokens(message, 7))[7].values()))
    await rig.browser.get(real)
    (event,) = await rig.click_events(1)
    assert event.send is None


@pytest.mark.asyncio
async def test_links_of_an_older_revision_still_redirect(rig: Rig) -> None:
    message, (dogs, _) = await tracked_links(rig)
    await rig.http.put(f"/v1/messages/{message['id']}", json={"name": "x", "html": "<p>nothing"})
    assert (await rig.browser.get(dogs)).headers["location"] == "https://shop.example/dogs?a=1&b=2#top"
    await rig.click_events(1)


@pytest.mark.asyncio
async def test_a_click_of_an_erased_contact_is_redirected_and_dropped(rig: Rig) -> None:
    message, (dogs, _) = await tracked_links(rig)
    await rig.contacts(8)
    await rig.contacts(7, state="erased", email=None, external_id=None)
    dropped = rig.process.metric('penchant_records_dropped_total{reason="erased"')
    assert (await rig.browser.get(dogs)).status_code == 302
    await rig.browser.get(next(iter((await rig.tokens(message, 8))[8].values())))
    (event,) = await rig.click_events(1)
    assert event.contact_id == 8
    assert rig.process.metric('penchant_records_dropped_total{reason="erased"') == dropped + 1


@pytest.mark.asyncio
async def test_invalid_links_get_a_404_page_and_record_no_click(rig: Rig) -> None:
    _, (dogs, _) = await tracked_links(rig)
    base, token = f"{rig.process.url}/c/", dogs.rsplit("/", 1)[1].rsplit(".", 1)[0]
    ours = TokenKeys.parse(KEYS)
    recipient = TokenContents(rig.account_id, 7, uuid4(), convert(SEND, Send))
    other_account = ours.make(TokenContents(rig.account_id + 1, 7, ours.read(token.encode()).message_id))
    forged = TokenKeys([SigningKey("first", b"x" * 32)]).make(recipient)
    noise = random.Random(7)
    garbage = ["".join(chr(noise.randrange(33, 127)) for _ in range(noise.randrange(200))) for _ in range(100)]
    changed = [
        f"{token[:place]}{'B' if token[place] == 'A' else 'A'}{token[place + 1 :]}" for place in range(len(token))
    ]
    numbers = ["", "0", "01", "+1", "1.1", "2", "4", "99999999999", "٣", "-1", " 1", "1/"]
    paths = ["", "x.", ".1", token, f"{ours.make(recipient)}.1", f"{other_account}.1", f"{forged}.1", "%2e%2e/.1"]
    paths += [f"{token}.{number}" for number in numbers]
    paths += [f"{text}.1" for text in changed]
    paths += [text.replace("?", "").replace("#", "") for text in garbage]
    lines = len(rig.process.log.read_text().splitlines())
    for path in paths:
        answer = await rig.browser.get(base + path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8", path
    assert len(rig.process.log.read_text().splitlines()) < lines + 10
    await rig.browser.get(dogs)
    await rig.click_events(1)


@pytest.mark.asyncio
async def test_concurrent_clicks_are_all_recorded(rig: Rig) -> None:
    message, (dogs, cats) = await tracked_links(rig)
    answers = await asyncio.gather(*(rig.browser.get(dogs if number % 2 else cats) for number in range(500)))
    assert {answer.status_code for answer in answers} == {302}
    await rig.click_events(500)
    assert [link["clicks"]["human"] for link in (await rig.numbers(message))["links"]] == [250, 0, 250]


@pytest.mark.asyncio
async def test_the_accounts_utm_parameters_are_appended(rig: Rig) -> None:
    def account(utm: UtmRule | None) -> AccountChanged:
        return AccountChanged(occurred_at=NOW, account_id=rig.account_id, account_name="Shop", time_zone="UTC", utm=utm)

    html = """<a href="https://shop.example/dogs?a=1&amp;b=2#top">Dogs</a> <a href="https://shop.example/never">Never</a>
    <a href="https://shop.example/?utm_source=own">Own</a>"""
    message = await rig.message(html)
    never = message["links"][1]["id"]
    await rig.contacts(7)
    dogs, never_url, own = (await rig.tokens(message, 7, send=SEND))[7].values()
    await rig.http.patch(f"/v1/messages/{message['id']}/links/{never}", json={"tracking": "never"})

    async def location(url: str) -> str:
        return str((await rig.browser.get(url)).headers["location"])

    assert await location(dogs) == "https://shop.example/dogs?a=1&b=2#top"
    await rig.publish(account(UtmRule(source="news letter", medium="email", campaign="{send_id}")))
    with_utm = "https://shop.example/dogs?a=1&b=2&utm_source=news%20letter&utm_medium=email&utm_campaign=spring#top"
    await until_equal(lambda: location(dogs), with_utm)
    assert await location(never_url) == "https://shop.example/never"
    assert await location(own) == "https://shop.example/?utm_source=own&utm_medium=email&utm_campaign=spring"
    # The link that is never tracked was clicked before the last one; its click is not recorded.
    await until_equal(lambda: clicked_links(rig), {1, 3})
    await rig.publish(account(None))
    await until_equal(lambda: location(dogs), "https://shop.example/dogs?a=1&b=2#top")


async def clicked_links(rig: Rig) -> set[int]:
    clicks = (await rig.http.get("/v1/clicks")).json()["items"]
    return {click["link_number"] for click in clicks}
