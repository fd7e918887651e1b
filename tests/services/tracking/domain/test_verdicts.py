"""Known machines are machines, people are people, and the list is read as its package reads it."""

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from crawleruseragents import is_crawler as package_says
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.verdicts import HUMAN, Evidence, Judgement, is_crawler, judge

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
INSTANCES = [instance for crawler in CRAWLER_USER_AGENTS_DATA for instance in crawler["instances"]]


@pytest.mark.parametrize("user_agent", [FIREFOX, IPHONE, None, ""])
def test_a_person_with_a_browser_is_human(user_agent: str | None) -> None:
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
def test_a_machine_is_one_with_its_reasons(evidence: Evidence, reasons: tuple[str, ...]) -> None:
    assert judge(evidence) == Judgement("machine", reasons)


def test_an_unsure_pipeline_leaves_it_unsure_unless_we_know_better() -> None:
    assert judge(Evidence(user_agent=FIREFOX, hint="unsure")) == Judgement("unsure", ("hint",))
    assert judge(Evidence(method="HEAD", hint="unsure")).verdict == "machine"


def test_a_pipeline_that_says_human_does_not_make_a_crawler_one() -> None:
    assert judge(Evidence(user_agent="Googlebot/2.1", hint="human")).verdict == "machine"


def test_every_known_instance_is_a_crawler() -> None:
    assert [instance for instance in INSTANCES if is_crawler(instance) != package_says(instance)] == []


@given(
    st.one_of(
        st.text(), st.sampled_from(INSTANCES).flatmap(lambda text: st.integers(0, len(text)).map(lambda n: text[n:]))
    )
)
def test_agrees_with_the_package_on_any_text(user_agent: str) -> None:
    assert is_crawler(user_agent) == package_says(user_agent)
