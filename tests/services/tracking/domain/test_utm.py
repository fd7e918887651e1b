"""UTM parameters are appended to a target URL, and nothing else in it changes."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.merge_tags import has_merge_tag
from services.tracking.domain.targets import location
from services.tracking.domain.utm import utm_target
from shared.events.labeling import UtmRule
from shared.events.parts import Send

RULE = UtmRule(source="newsletter", medium="email", campaign="{send_id}")
SEND = Send(kind="campaign", id="spring", sent_at=datetime(2026, 6, 1, tzinfo=UTC))
ALL = "utm_source=newsletter&utm_medium=email&utm_campaign=spring"


def changed(url: str, rule: UtmRule = RULE, send: Send | None = SEND, name: str = "Spring news") -> str:
    target = utm_target(url, rule, name)
    return url if target is None else target.location(send)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example", f"https://shop.example?{ALL}"),
        ("https://shop.example/dogs", f"https://shop.example/dogs?{ALL}"),
        ("https://shop.example/dogs?", f"https://shop.example/dogs?{ALL}"),
        ("https://shop.example/dogs?a=1", f"https://shop.example/dogs?a=1&{ALL}"),
        ("https://shop.example/dogs?a=1&", f"https://shop.example/dogs?a=1&{ALL}"),
        ("https://shop.example/dogs?a=1#top", f"https://shop.example/dogs?a=1&{ALL}#top"),
        ("https://shop.example/#/cart?step=2", f"https://shop.example/?{ALL}#/cart?step=2"),
        (
            "https://shop.example/?UTM_Source=x",
            "https://shop.example/?UTM_Source=x&utm_medium=email&utm_campaign=spring",
        ),
        ("https://shop.example/?utm%5Fsource=x&utm_medium=&utm_campaign", None),
        ("https://shop.example/?next=https://other.example/?utm_source=x", None),
        ("https://shop.example/?email={{contact.email}}", None),
        ("https://shop.example/?id=##id##", None),
    ],
)
def test_parameters_are_appended_to_the_query_unless_present(url: str, expected: str | None) -> None:
    if "next=" in url:
        # UTM parameters of another URL, within a value, are not parameters of this target.
        assert changed(url) == f"{url}&{ALL}"
    else:
        assert changed(url) == (expected or url)


def test_a_campaign_pattern_that_uses_the_send_is_omitted_without_a_send() -> None:
    without = "https://shop.example/?utm_source=newsletter&utm_medium=email"
    assert changed("https://shop.example/", send=None) == without
    named = UtmRule(source="a&b", campaign="{message_name}, {send_kind}")
    assert (
        changed("https://shop.example/", named)
        == "https://shop.example/?utm_source=a%26b&utm_campaign=Spring%20news%2C%20campaign"
    )
    fixed = UtmRule(source="mail", campaign="Été")
    assert changed("https://shop.example/#x", fixed, None).endswith("?utm_source=mail&utm_campaign=%C3%89t%C3%A9#x")


def test_braces_in_a_message_name_are_not_expanded() -> None:
    rule = UtmRule(source="mail", campaign="{message_name}")
    assert changed("https://shop.example/", rule, None, "{send_id}").endswith("utm_campaign=%7Bsend_id%7D")


pieces = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=12)
values = st.text(min_size=1, max_size=20)
rules = st.builds(UtmRule, source=values, medium=st.none() | values, campaign=st.none() | values)


@given(
    path=pieces.map(lambda text: text.replace("?", "")),
    query=st.none() | pieces,
    fragment=st.none() | pieces,
    rule=rules,
    send=st.none() | st.just(SEND),
)
def test_only_utm_parameters_of_the_target_change(
    path: str, query: str | None, fragment: str | None, rule: UtmRule, send: Send | None
) -> None:
    query_part = "" if query is None else f"?{query}"
    url = location(f"https://shop.example/{path}{query_part}{'' if fragment is None else f'#{fragment}'}")
    after = changed(url, rule, send)
    if has_merge_tag(url):
        assert after == url
        return
    # The fragment is unchanged, and the original address and query come first.
    assert after.partition("#")[1:] == url.partition("#")[1:]
    before, _, _ = url.partition("#")
    rest = after.partition("#")[0].removeprefix(before)
    assert before + rest == after.partition("#")[0]
    assert rest.isascii()
    assert " " not in rest
    names = [unquote_plus(pair.partition("=")[0]).lower() for pair in urlsplit(after).query.split("&")]
    kept = [unquote_plus(pair.partition("=")[0]).lower() for pair in urlsplit(url).query.split("&")]
    for name in ("utm_source", "utm_medium", "utm_campaign"):
        assert names.count(name) == max(kept.count(name), min(names.count(name), 1)), (
            "a parameter must not be added twice"
        )
    added = dict(parse_qsl(rest.lstrip("?&"), keep_blank_values=True))
    if "utm_source" not in kept:
        assert added["utm_source"] == rule.source
    assert changed(after, rule, send) == after, "appending again must change nothing"
