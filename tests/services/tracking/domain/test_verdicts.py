"""Known machines are recognised, people are not mistaken for machines, and our own rules override the list."""

import re

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from crawleruseragents import is_crawler as is_listed
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.verdicts import HUMAN, Evidence, Judgement, is_crawler, judge

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
INSTANCES = [instance for crawler in CRAWLER_USER_AGENTS_DATA for instance in crawler["instances"]]


CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Mobile Safari/537.36"
PEOPLE = [
    FIREFOX,
    IPHONE,
    f"Mozilla/5.0 (Linux; Android 15; Pixel 8 Build/AP3A.240617.008; wv) {CHROME}",
    f"Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) {CHROME} [FB_IAB/FB4A;FBAV/466.0;] FBNV/1 MetaIAB Facebook",
    f"Mozilla/5.0 (Linux; Android 11; ViewSonic ViewBoard) {CHROME}",
    f"Mozilla/5.0 (Linux; Android 12; CUBOT P80) {CHROME}",
    f"{IPHONE} SogouMSE,SogouMobileBrowser/13.4.2",
    f"{IPHONE} Viber/21.5.0",
    f"{IPHONE} WhatsApp/2.24",
    f"{IPHONE} Instagram 325.0.3.34.90",
    f"{IPHONE} GSA/312.0",
    f"{IPHONE} Outlook-iOS/711",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} YaBrowser/24.6.0 Node/1",
]
MACHINES = [
    "Slackbot-LinkExpanding 1.0", "slackbot 1.0", "SLACKBOT", "Java/17.0.1", "GuzzleHttp/7",
    "MyApp/1 CFNetwork/1410 Darwin/22", "Viber/13.3", "WhatsApp/2.23.20.0 A", "Sogou web spider/4.0", "SogouSpider",
    "curl/8", "python-requests/2.31", "node",
    "Dart/3.2 (dart:io)", "okhttp/4.9", "Mozilla/5.0 HeadlessChrome/120", "my-link-preview/1.0", "Some.Crawler/2",
]  # fmt: skip


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_browsers_and_apps_of_people_are_human(user_agent: str) -> None:
    assert judge(Evidence(user_agent=user_agent, method="GET", headers={"accept": "text/html"})) == HUMAN


@pytest.mark.parametrize(
    ("evidence", "reasons"),
    [
        (Evidence(user_agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), ("crawler",)),
        (Evidence(user_agent="facebookexternalhit/1.1"), ("crawler",)),
        (Evidence(user_agent=FIREFOX, method="HEAD"), ("head",)),
        (Evidence(user_agent=FIREFOX, method="head"), ("head",)),
        (Evidence(user_agent=FIREFOX, headers={"sec-purpose": "prefetch;prerender"}), ("prefetch",)),
        (Evidence(user_agent=FIREFOX, headers={"purpose": "Prefetch"}), ("prefetch",)),
        (Evidence(user_agent=FIREFOX, hint="machine"), ("hint",)),
        (Evidence(user_agent="Twitterbot/1.0", method="HEAD", hint="human"), ("crawler", "head")),
    ],
)
def test_machines_are_recognised_with_their_reasons(evidence: Evidence, reasons: tuple[str, ...]) -> None:
    assert judge(evidence) == Judgement("machine", reasons)


def test_an_unsure_hint_applies_unless_other_evidence_shows_a_machine() -> None:
    assert judge(Evidence(user_agent=FIREFOX, hint="unsure")) == Judgement("unsure", ("hint",))
    assert judge(Evidence(FIREFOX, method="HEAD", hint="unsure")).verdict == "machine"


def test_a_human_hint_does_not_override_the_user_agent_of_a_crawler() -> None:
    assert judge(Evidence(user_agent="Googlebot/2.1", hint="human")).verdict == "machine"


@pytest.mark.parametrize("user_agent", MACHINES)
def test_user_agents_of_programs_are_machines(user_agent: str) -> None:
    assert judge(Evidence(user_agent=user_agent)) == Judgement("machine", ("crawler",))


@pytest.mark.parametrize("user_agent", [None, "", "  "])
def test_clicks_without_a_user_agent_are_human_only_by_hint_or_in_history(
    user_agent: str | None,
) -> None:
    assert judge(Evidence(user_agent)) == Judgement("unsure", ("no_user_agent",))
    assert judge(Evidence(user_agent, method="GET")) == Judgement("machine", ("no_user_agent",))
    assert judge(Evidence(user_agent, hint="human")) == HUMAN
    assert judge(Evidence(user_agent, history=True)) == HUMAN


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "put", "PROPFIND"])
def test_methods_that_browsers_do_not_use_for_links_are_machines(method: str) -> None:
    assert judge(Evidence(FIREFOX, method=method)) == Judgement("machine", ("method",))


@pytest.mark.parametrize("header", ["sec-purpose", "purpose", "x-purpose", "x-moz"])
@pytest.mark.parametrize("value", ["preview", "Prefetch", "prefetch;anonymous-client-ip", "prerender"])
def test_prefetch_requests_are_machines(header: str, value: str) -> None:
    assert judge(Evidence(FIREFOX, headers={header: value})) == Judgement("machine", ("prefetch",))


def test_every_listed_instance_is_a_crawler_except_for_apps_of_people() -> None:
    people = ("MetaIAB Facebook", "AP3A.240617.008", "SogouMobileBrowser", "Sogou")
    missed = [instance for instance in INSTANCES if is_listed(instance) and not is_crawler(instance)]
    assert [instance for instance in missed if not any(one in instance for one in people)] == []


@given(
    st.one_of(
        st.text(), st.sampled_from(INSTANCES).flatmap(lambda text: st.integers(0, len(text)).map(lambda n: text[n:]))
    )
)
def test_user_agents_on_the_list_are_crawlers_except_for_too_wide_patterns(user_agent: str) -> None:
    wide = re.compile("AP3A|MetaIAB|Sonic|Sogou|Viber|WhatsApp")
    assert is_crawler(user_agent) or not is_listed(user_agent) or wide.search(user_agent)
