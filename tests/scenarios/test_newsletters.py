"""Real newsletters are registered, their links are labelled and clicked, and the clicks are counted exactly."""

import asyncio
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import pytest

from tests.scenarios.scene import Account, Scene
from tests.stack.topics import read_topic

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.html"))
DATA = Path(__file__).parents[3] / "shared" / "data"
NEWSLETTERS = sorted(DATA.rglob("*.html"))

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CRAWLER = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
SEND = {"kind": "campaign", "id": "issue", "sent_at": "2026-11-01T08:00:00Z"}
OWN_PAGES = {"unsubscribe_url": "/u/", "preferences_url": "/p/"}  # Penchant's own merge tags, and the pages behind them
CONTACTS = 5
LABELS = 9
AT_ONCE = 4
WITHIN = 90.0  # seconds


@dataclass(slots=True)
class Href:
    """The target of a link, its text, and whether only Outlook shows it."""

    target: str
    tag: str
    outlook: bool = False
    words: list[str] = field(default_factory=list)

    def is_twin_of(self, other: "Href") -> bool:
        """Return whether this link is the Outlook version of the button `other`.

        The Outlook version may have no text, because its shape may end in a later comment.
        """
        same_words = self.words in ([], other.words)
        return self.outlook > other.outlook and self.target == other.target and same_words


class Hrefs(HTMLParser):
    """The href of every link, as the standard library's parser reads it, also in Outlook's conditional comments."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Href] = []
        self.open: Href | None = None
        self.raw = 0  # above 0 inside <title> and <textarea>, whose text the parser reads as markup

    @classmethod
    def of(cls, html: str) -> list[Href]:
        reader = cls()
        reader.feed(html)
        return reader.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.raw += tag in ("title", "textarea")
        href = dict(attrs).get("href", "none")
        # An <item href> of a template language becomes a link only later.
        clickable = tag in ("a", "area") or ":" in tag
        if not self.raw and clickable and href != "none":
            self.found.append(Href((href or "").strip(), tag))
            self.open = self.found[-1]

    def handle_endtag(self, tag: str) -> None:
        self.raw -= tag in ("title", "textarea")
        if self.open is not None and self.open.tag == tag:
            self.open = None

    def handle_data(self, data: str) -> None:
        if self.open is not None:
            self.open.words += data.split()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_comment(self, data: str) -> None:
        if conditional := re.match(r"\s*\[if[^\]]*\]>(.*)<!\[endif\]$", data, re.DOTALL):
            self.found += [replace(href, outlook=True) for href in self.of(conditional.group(1))]


@dataclass(frozen=True, slots=True)
class Click:
    """A request for a tracked link, and the expected redirect."""

    url: str
    location: str
    method: str
    user_agent: str


@dataclass(slots=True)
class Tally:
    """The expected numbers, counted independently of the services."""

    clicks: Counter[tuple[int, str, str, str]] = field(default_factory=Counter)  # contact, message, link, verdict
    interests: Counter[tuple[int, str]] = field(default_factory=Counter)  # contact, label

    def of_message(self, message_id: str) -> dict[tuple[int, str, str], int]:
        return {(who, link, how): n for (who, message, link, how), n in self.clicks.items() if message == message_id}


def _without_twins(originals: Sequence[Href], tracked: Sequence[Href]) -> list[tuple[str, str]]:
    """Pair the links before and after tracking; the Outlook version of a button is the same link."""
    pairs = list(zip(originals, tracked, strict=True))
    found = []
    for original, after in pairs:
        twins = {other.target for visible, other in pairs if original.is_twin_of(visible)}
        assert not twins or after.target in twins, original
        if not twins:
            found.append((original.target, after.target))
    return found


class Mailing:
    """An account, its contacts and labels, and messages whose links are clicked."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.contacts = account.contacts(CONTACTS)
        self.labels = account.labels(*(f"Interest {number}" for number in range(LABELS)))
        self.messages: list[dict[str, Any]] = []
        self.tally = Tally()

    def send(self, path: Path) -> list[Click]:
        """Register and label a newsletter; return the clicks on its tracked links."""
        html = path.read_text(encoding="utf-8")
        message = self.account.message(html, path.stem)
        self.messages.append(message)
        labelled = self._label(message)
        tokens = self.account.tokens(message["id"], self.contacts, SEND)
        tag = "{{ the token }}"
        html_of = f"/v1/messages/{message['id']}/html"
        for_all = self.account.request("tracking", "GET", html_of, params={"merge_tag": tag})
        clicks = []
        pairs = _without_twins(Hrefs.of(html), Hrefs.of(for_all.text))
        assert len(pairs) == len(message["links"]), path
        for link, (original, tracked) in zip(message["links"], pairs, strict=True):
            if (page := OWN_PAGES.get(original.strip("{} "))) is not None:
                assert tracked.endswith(f"{page}{tag}"), path
                continue
            if not link["trackable"]:
                assert tracked == original, (path, link["reason"])
                continue
            assert tracked == f"{self.account.scene.url('tracking')}/c/{tag}.{link['number']}", (path, link["url"])
            for contact, method, user_agent in self._clickers(link["number"]):
                url = tracked.replace(tag, tokens[contact]["token"])
                assert url == tokens[contact]["links"][link["id"]]
                clicks.append(Click(url, _as_header(original), method, user_agent))
                verdict = "human" if (method, user_agent) == ("GET", BROWSER) else "machine"
                self.tally.clicks[contact, message["id"], link["id"], verdict] += 1
                if verdict == "human":
                    self.tally.interests.update((contact, label) for label in labelled[link["id"]])
        return clicks

    def _label(self, message: dict[str, Any]) -> dict[str, list[str]]:
        """Label the links, with each label in turn: every link has one label, every third link two."""
        chosen = {}
        for place, link in enumerate(link for link in message["links"] if link["trackable"]):
            second = [self.labels[(place + 4) % LABELS]] if place % 3 == 0 else []
            chosen[link["id"]] = [self.labels[place % LABELS], *second]
        self.account.ask("tracking", "PUT", f"/v1/messages/{message['id']}/link-labels", chosen)
        return chosen

    def _clickers(self, number: int) -> Iterator[tuple[int, str, str]]:
        """Yield contact, method and user agent of each click on the link with that number."""
        yield self.contacts[number % CONTACTS], "GET", BROWSER
        if number % 4 == 0:  # a second time
            yield self.contacts[number % CONTACTS], "GET", BROWSER
        if number % 5 == 0:  # another contact, whose mail scanner has clicked before
            yield self.contacts[(number // 5) % CONTACTS], "GET", CRAWLER
            yield self.contacts[(number // 5) % CONTACTS], "GET", BROWSER
        if number % 9 == 0:
            yield self.contacts[(number // 9) % CONTACTS], "HEAD", BROWSER


@pytest.mark.timeout(300)
@pytest.mark.parametrize("paths", [SAMPLES, NEWSLETTERS], ids=["samples", "newsletters"])
def test_links_redirect_to_their_original_urls_and_every_click_is_counted(scene: Scene, paths: Sequence[Path]) -> None:
    if not paths:
        pytest.skip(f"there are no newsletters in {DATA}")
    with Account.open(scene, "Newsletters") as account:
        mailing = Mailing(account)
        clicks = [click for path in paths for click in mailing.send(path)]
        _request_all(clicks)
        _check_tracking(mailing)
        _check_labeling(mailing)
        asyncio.run(_check_topics(scene, mailing))


def _request_all(clicks: Sequence[Click]) -> None:
    """Request all tracked links; check that each redirects to exactly the original URL."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for wrong in pool.map(_request_in_turn, [clicks[first::AT_ONCE] for first in range(AT_ONCE)]):
            assert wrong == []


def _request_in_turn(clicks: Sequence[Click]) -> list[tuple[Click, int, str | None]]:
    """Request the links in turn; return the clicks with a wrong answer, and the answers."""
    wrong = []
    with closing(HTTPConnection(urlsplit(clicks[0].url).netloc, timeout=30)) as connection:
        for click in clicks:
            connection.request(click.method, urlsplit(click.url).path, headers={"User-Agent": click.user_agent})
            answer = connection.getresponse()
            answer.read()
            if (answer.status, answer.headers["location"]) != (302, click.location):
                wrong.append((click, answer.status, answer.headers["location"]))
    return wrong


def _check_tracking(mailing: Mailing) -> None:
    for message in mailing.messages:
        expected = mailing.tally.of_message(message["id"])

        def numbers(message_id: str = message["id"]) -> Any:
            return mailing.account.get("tracking", f"/v1/messages/{message_id}/stats")

        _until_equal(lambda: numbers()["clicks"], _by_verdict(expected))
        shown = numbers()
        assert shown["contacts"] == len({who for who, _, how in expected if how == "human"})
        assert {link["link_id"] for link in shown["links"]} == {link["id"] for link in message["links"]}
        for link in shown["links"]:
            own = {key: count for key, count in expected.items() if key[1] == link["link_id"]}
            assert link["clicks"] == _by_verdict(own)
            assert link["contacts"] == len({who for who, _, how in own if how == "human"})
        if expected:
            (send,) = shown["sends"]
            assert (send["send"]["id"], send["clicks"], send["contacts"]) == (
                "issue",
                shown["clicks"],
                shown["contacts"],
            )


def _by_verdict(clicks: dict[tuple[int, str, str], int]) -> dict[str, int]:
    counts = Counter({"human": 0, "machine": 0, "unsure": 0})
    for (_, _, verdict), count in clicks.items():
        counts[verdict] += count
    return dict(counts)


def _check_labeling(mailing: Mailing) -> None:
    for contact in mailing.contacts:
        expected = {(label, True, n) for (who, label), n in mailing.tally.interests.items() if who == contact}

        def labels(path: str = f"/v1/contacts/{contact}/labels?limit=1000") -> set[tuple[str, bool, int]]:
            items = mailing.account.get("labeling", path)["items"]
            return {(label["label_id"], label["held"], label["clicks"]) for label in items}

        _until_equal(labels, expected)


async def _check_topics(scene: Scene, mailing: Mailing) -> None:
    """Check that the topics have one ContactClicked per click, and one LabelAssigned per label and contact."""
    clicked: Counter[tuple[int, str, str, str]] = Counter()
    for event in await _events(scene, "tracking.clicks", mailing.account.account_id):
        clicked[event["contact_id"], event["message_id"], event["link_id"], event["verdict"]] += 1
    assert clicked == mailing.tally.clicks
    published = Counter(
        (event["contact_id"], event["label_id"])
        for event in await _events(scene, "labeling.labels", mailing.account.account_id)
    )
    assert published == Counter(dict.fromkeys(mailing.tally.interests, 1))


async def _events(scene: Scene, topic: str, account_id: int) -> list[dict[str, Any]]:
    events = [orjson.loads(record.value) for record in await read_topic(scene.sandbox.settings, topic)]
    return [event for event in events if event["account_id"] == account_id]


def _as_header(url: str) -> str:
    """Return a URL as it appears in the header Location."""
    return url if url.isascii() and " " not in url else quote(url, safe=string.punctuation)


def _until_equal(ask: Callable[[], object], expected: object) -> None:
    deadline = monotonic() + WITHIN
    while (found := ask()) != expected:
        assert monotonic() < deadline, f"{found} instead of {expected}"
