"""Every number in the console links to a list with that many rows."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import quote, urljoin
from zoneinfo import ZoneInfo

import pytest

from tests.browser.plain import PlainClient
from tests.browser.shop import Shop
from tests.stack.waiting import wait_until

_NUMBER = re.compile(r'<a href="([^"]+)"><span class="name">([^<]+)</span><strong class="big">([\d,]+)</strong></a>')
_CHIP = re.compile(r'<a class="chip" href="([^"]+)">([^<:]+): (\d+)</a>')
_OF_STEP = re.compile(r'<a(?: class="[^"]*")? href="(\?step=[^"]+)">(\d+) ')
_OF_LINK = re.compile(r'<a href="(\?verdict=(human|machine)&amp;link_id=[^"]+)" aria-label="[^"]+">(\d+)</a>')
_OF_DAY = re.compile(r'<a href="([^"]*\?verdict=(human|machine)&amp;day=[^"]+)" aria-label="(\d+) ')
_CONTACTS_OF_DAY = re.compile(r'<a href="([^"]+)" aria-label="(\d+) contacts clicked on ')
_VARIANT = re.compile(r'<a class="chip" href="([^"]+\?block=([^&]+)&amp;[^"]+)">[^<:]+: (\d+)</a>')
_OF_GROUP = re.compile(r'<a class="small nowrap" href="([^"]+link_id=[^"]+)">(\d+) clicks?</a>')
_PERSON = re.compile(r'<td><a href="/a/\d+/contacts/\d+">')
# Cats, because Dogs would start runs of the workflow, whose numbers are compared below.
FILE = "E-mail;Interesselabels\nnieuw@paws-demo.example;Cats\n{known};Cats\nniet-een-adres;Cats\n{known};\n"


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Iterator[PlainClient]:
    with PlainClient.signed_in(shop) as client:
        yield client


def numbers_on(admin: PlainClient, path: str) -> dict[str, tuple[str, int]]:
    """Return the linked numbers of a page by name: the path and the number."""
    text = admin.http.get(path).text
    found = {
        unescape(name): (unescape(url), int(number.replace(",", ""))) for url, name, number in _NUMBER.findall(text)
    }
    found |= {unescape(name): (unescape(url), int(number)) for url, name, number in _CHIP.findall(text)}
    return {name: (urljoin(path, url), number) for name, (url, number) in found.items()}


def people_at(admin: PlainClient, url: str) -> int:
    """Return the number of rows with a contact on the page, or after the element that the URL's fragment names."""
    answer = admin.http.get(url)
    assert answer.status_code == 200, f"{url}: {answer.status_code}"
    _, _, part = answer.text.partition(f'id="{url.partition("#")[2]}"') if "#" in url else ("", "", answer.text)
    return len(_PERSON.findall(part))


def rows_at(admin: PlainClient, url: str) -> int:
    """Return the number of rows of a file on the page."""
    return admin.http.get(url).raise_for_status().text.count('<tr><td class="number">')


def test_campaign_numbers_match_their_lists_by_outcome_and_variant(admin: PlainClient, shop: Shop) -> None:
    page = f"{shop.path}campaigns/{shop.ids['campaign']}"
    numbers = numbers_on(admin, page)
    assert {"Audience", "Requested", "Clicked"} <= numbers.keys()
    for name, (url, number) in numbers.items():
        assert people_at(admin, url) == number, name
    report = shop.account.get("segmentation", f"/v1/campaigns/{shop.ids['campaign']}/report")
    assert len(report["variants"]) > 1
    assert any(one["clicked"] for one in report["variants"])
    html = admin.http.get(page).text
    for one in report["variants"]:
        tail = f"block={quote(one['block'])}&amp;variant=.{quote(one['variant'])}#who"
        for head, number in (("", one["requested"]), ("clicked=true&amp;", one["clicked"])):
            href = f"?status=requested&amp;{head}{tail}"
            assert f'href="{href}"' in html
            assert people_at(admin, page + unescape(href)) == number, one


def test_audience_numbers_of_a_draft_match_their_lists(admin: PlainClient, shop: Shop) -> None:
    page = f"{shop.path}campaigns/{shop.ids['draft']}"
    numbers = numbers_on(admin, page)
    _, held_out = numbers.get("Held out", ("", 0))  # chance decides: there are few contacts
    assert numbers["Will receive it"][1] + held_out > 0
    for name, (url, number) in numbers.items():
        assert people_at(admin, url) == number, name
    of_block: Counter[str] = Counter()
    for path, block, count in _VARIANT.findall(admin.http.get(page).text):
        assert people_at(admin, unescape(path)) == int(count), path
        of_block[block] += int(count)
    assert set(of_block.values()) == {numbers["Will receive it"][1]}
    parts = re.findall(r'<a href="([^"]+)" aria-label="(\d+) contacts(?: only in)?: ', admin.http.get(page).text)
    assert len(parts) == 6
    for path, count in parts:
        assert people_at(admin, unescape(path)) == int(count)


def test_numbers_on_the_first_page_match_their_lists(admin: PlainClient, shop: Shop) -> None:
    numbers = numbers_on(admin, shop.path)
    entered = shop.account.get("segmentation", f"/v1/segments/{shop.ids['segment']}")
    url, number = numbers[entered["name"]]
    assert f"segments/{shop.ids['segment']}/changes" in url
    assert number == entered["count"] == people_at(admin, url) > 0
    for name in ("Clicks by people today", "By machines today"):
        url, number = numbers[name]
        assert people_at(admin, url) == number > 0
    today = datetime.now(UTC).date().isoformat()
    changes = shop.account.get("segmentation", f"/v1/membership-changes?since={today}T00:00:00Z")
    assert {one["type"] for one in changes["items"]} == {"SegmentEntered"}
    changes_page = f"{shop.path}segments/{shop.ids['segment']}/changes"
    assert "Nobody entered or left" in admin.get(f"{changes_page}?type=SegmentLeft")
    zone = ZoneInfo(shop.account.get("labeling", "/v1/account")["time_zone"])
    days = Counter(
        datetime.fromisoformat(one["at"]).astimezone(zone).date()
        for one in changes["items"]
        if one["segment_id"] == shop.ids["segment"]
    )
    for day, number in days.items():
        assert people_at(admin, f"{changes_page}?type=SegmentEntered&day={day}") == number
    assert "Nobody entered or left" in admin.get(f"{changes_page}?day={min(days) - timedelta(days=1)}")


@pytest.mark.parametrize("path", ["messages/{arrivals}/clicks", "campaigns/{campaign}"])
def test_numbers_of_each_day_in_a_chart_match_their_lists(admin: PlainClient, shop: Shop, path: str) -> None:
    page = shop.path + path.format(**shop.ids)
    text = admin.http.get(page).text
    clicks = [(urljoin(page, unescape(url)), verdict, int(count)) for url, verdict, count in _OF_DAY.findall(text)]
    assert {"human", "machine"} == {verdict for _, verdict, _ in clicks}
    assert sum(count for _, _, count in clicks) > 0
    for url, _, count in clicks:
        assert people_at(admin, url) == count, url
    contacts = _CONTACTS_OF_DAY.findall(text)
    assert len(contacts) == len(clicks) / 2
    for url, number in contacts:
        assert people_at(admin, unescape(url)) == int(number) > 0


def test_the_clicks_of_a_campaign_can_be_filtered_by_verdict(admin: PlainClient, shop: Shop) -> None:
    url = f"{shop.path}messages/{shop.ids['arrivals']}/clicks?send={shop.ids['campaign']}"
    answer = shop.account.get("tracking", f"/v1/clicks?send={shop.ids['campaign']}")
    assert people_at(admin, f"{url}#list") == len(answer["items"]) > 0
    machines = [one for one in answer["items"] if one["verdict"] == "machine"]
    assert people_at(admin, f"{url}&verdict=machine#list") == len(machines)


def test_import_numbers_match_their_lists(admin: PlainClient, shop: Shop) -> None:
    known = shop.account.get("labeling", f"/v1/contacts/{shop.ids['contact']}")["email"]
    made = shop.account.upload(FILE.format(known=known).encode())
    path = f"/v1/imports/{made['id']}"

    def is_in(state: str) -> bool:
        found: str = shop.account.get("labeling", path)["state"]
        assert found != "failed"
        return found == state

    options = {"subscription": {"set": "subscribed", "basis": "The fair."}}
    shop.account.ask("labeling", "PUT", path, {"options": options})
    wait_until(lambda: is_in("checked"))
    preview = numbers_on(admin, f"{shop.path}imports/{made['id']}")
    assert {name: number for name, (_, number) in preview.items()} == {
        "Rows": 4,
        "Added": 1,
        "Changed": preview["Changed"][1],
        "Unchanged": 1 - preview["Changed"][1],
        "Refused": 1,
        "Skipped": 0,
        "Suppressed": 0,
        "Duplicates": 1,
    }
    for name, (url, number) in preview.items():
        assert rows_at(admin, url) == number, name
    assert "nieuw@paws-demo.example" in admin.get(preview["Added"][0])
    assert "repeat a contact of an earlier row" in admin.get(preview["Duplicates"][0])
    shop.account.post("labeling", f"{path}/start")
    wait_until(lambda: is_in("done"))
    numbers = numbers_on(admin, f"{shop.path}imports/{made['id']}")
    assert {name: number for name, (_, number) in numbers.items()} == {
        "Added": 1,
        "Changed": numbers["Changed"][1],
        "Unchanged": 1 - numbers["Changed"][1],
        "Refused": 1,
        "Skipped": 0,
    }
    for name in ("Added", "Changed", "Unchanged"):
        url, number = numbers[name]
        assert people_at(admin, url) == number, name
    assert "nieuw@paws-demo.example" in admin.get(numbers["Added"][0])
    assert rows_at(admin, numbers["Refused"][0]) == 1
    assert "niet-een-adres" in admin.get(numbers["Refused"][0])
    assert "No rows" in admin.get(numbers["Skipped"][0])


def test_numbers_of_workflow_steps_match_their_lists(admin: PlainClient, shop: Shop) -> None:
    page = f"{shop.path}workflows/{shop.ids['workflow']}"
    found = _OF_STEP.findall(admin.http.get(page).text)
    outcomes = {url.partition("outcome=")[2].partition("#")[0] for url, _ in found}
    assert {"passed", "sent", "clicked"} <= outcomes
    for url, number in found:
        assert people_at(admin, page + unescape(url)) == int(number), url
    assert "No runs found" in admin.get(f"{page}?step=none&outcome=sent")


def test_click_numbers_of_each_link_match_their_lists(admin: PlainClient, shop: Shop) -> None:
    page = f"{shop.path}messages/{shop.ids['message']}/clicks"
    found = _OF_LINK.findall(admin.http.get(page).text)
    assert {verdict for _, verdict, _ in found} == {"human", "machine"}
    assert any(int(number) for _, _, number in found)
    for url, _, number in found:
        assert people_at(admin, page + unescape(url)) == int(number), url
    on_the_mail = _OF_GROUP.findall(admin.http.get(f"{shop.path}messages/{shop.ids['message']}").text)
    assert any(int(number) for _, number in on_the_mail)
    for url, number in on_the_mail:
        assert people_at(admin, unescape(url)) == int(number), url


def test_the_columns_of_the_contact_list_can_be_chosen(admin: PlainClient, shop: Shop) -> None:
    page = f"{shop.path}contacts"
    assert "Subscription" in admin.get(page)
    chosen = admin.http.get(f"{page}?column=&column=contact.language&column=contact.changed_at").text
    heads = re.findall(r"<th>([^<]+)</th>", chosen)
    assert heads == ["Contact", "Language", "Changed"]
    assert re.findall(r"<th>([^<]+)</th>", admin.http.get(f"{page}?column=").text) == ["Contact"]
