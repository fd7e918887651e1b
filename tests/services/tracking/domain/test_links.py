"""Links are found as mail programs see them; the tracked message equals the original except for their hrefs."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.links import FoundLink, find_links
from services.tracking.domain.places import replace_links
from services.tracking.domain.targets import location

SAMPLES = sorted((Path(__file__).parents[5] / "shared" / "data").rglob("*.html"))

BUTTON = """
<!--[if mso]>
<v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="https://shop.example/dogs?a=1&amp;b=2" arcsize="8%">
  <w:anchorlock/><center style="color:#fff">Shop for &amp; with dogs</center>
</v:roundrect>
<![endif]-->
<!--[if !mso]><!--><a href='https://shop.example/dogs?a=1&amp;b=2'><b>Shop</b>
  for dogs<!--[if mso]>&nbsp;Outlook only<![endif]--></a><!--<![endif]-->
"""


class IndependentParser(HTMLParser):
    """Finds URLs with the standard library's parser, also in conditional comments."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if (tag in ("a", "area") or tag.startswith("v:")) and (href := dict(attrs).get("href", "none")) != "none":
            self.urls.append((href or "").strip())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_comment(self, data: str) -> None:
        if conditional := re.match(r"\s*\[if[^\]]*\]>(.*)<!\[endif\]$", data, re.DOTALL):
            inner = IndependentParser()
            inner.feed(conditional.group(1))
            self.urls += inner.urls


def found(html: str) -> list[tuple[str, str, str | None]]:
    return [(link.url, link.text, link.reason) for link in find_links(html)]


def tracked(html: str) -> tuple[list[FoundLink], str]:
    links = find_links(html)
    return links, replace_links(
        html,
        [link.place for link in links],
        lambda place: f"https://t.example/{place}" if links[place].trackable else None,
    )


def test_an_outlook_button_and_its_twin_are_found_with_their_own_texts() -> None:
    assert found(BUTTON) == [
        ("https://shop.example/dogs?a=1&b=2", "Shop for & with dogs", None),
        ("https://shop.example/dogs?a=1&b=2", "Shop for dogs", None),
    ]


def test_the_text_of_an_outlook_frame_is_the_content_that_it_encloses() -> None:
    html = (
        '<!--[if mso]><v:rect href="http://a.example"><v:textbox><![endif]--><p>Hi</p>'
        "<!--[if mso]></v:textbox></v:rect><![endif]--><p>x"
    )
    assert found(html) == [("http://a.example", "Hi", None)]


@pytest.mark.parametrize(
    ("html", "url", "text"),
    [
        ("<a href=http://a.example/x?y=1&amp;z=2>t</a>", "http://a.example/x?y=1&z=2", "t"),
        ("<A HREF = 'http://a.example/&#39;q&#39;'>t</A>", "http://a.example/'q'", "t"),
        ('<a href="http://a.example/?a=1&copy=2&amp=3">t</a>', "http://a.example/?a=1&copy=2&amp=3", "t"),
        ('<a href=" http://a.exam\nple/ ">t</a>', "http://a.example/", "t"),
        ('<a title=">" href="http://a.example/" href="http://b.example/">a &lt; b</a>', "http://a.example/", "a < b"),
        ('<a href="http://a.example"><img src="x" alt="A  dog"></a>', "http://a.example", "A dog"),
        ('<a href="http://a.example"><img src="x" alt="A dog"> Dogs </a>', "http://a.example", "Dogs"),
        ('<a href="http://a.example" title="Dogs"><img src="x"></a>', "http://a.example", "Dogs"),
        ('<map><area shape="rect" alt="Left" href="http://a.example"></map>text', "http://a.example", "Left"),
        ('<base href="https://b.example/d/"><a href="e?f">t</a>', "https://b.example/d/e?f", "t"),
        ('<a href="//a.example/x">t</a>', "//a.example/x", "t"),
        ('<v:rect href="http://a.example"/><p>not its text</p>', "http://a.example", ""),
        ("<a href='http://a.example/a b'>t", "http://a.example/a b", "t"),
    ],
)
def test_urls_and_texts_are_read_as_mail_programs_read_them(html: str, url: str, text: str) -> None:
    assert found(html) == [(url, text, None)]


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ('<a href="">t</a>', "empty"),
        ("<a href>t</a>", "empty"),
        ('<a href=" # ">t</a>', "fragment"),
        ('<a href="#top">t</a>', "fragment"),
        ('<a href="MAILTO:a@b.example">t</a>', "mailto"),
        ('<a href="mailto:unsubscribe@b.example">t</a>', "mailto"),
        ('<a href="tel:+32">t</a>', "tel"),
        ('<a href="sms:+32">t</a>', "sms"),
        ('<a href="java\nscript:alert(1)">t</a>', "script"),
        ('<a href="ftp://a.example">t</a>', "scheme"),
        ('<a href="/about">t</a>', "relative"),
        ('<a href="http://">t</a>', "no_host"),
        ('<a href="http://[::1">t</a>', "no_host"),
        ('<a href="{{ url }}">t</a>', "merge_tag"),
        ('<a href="https://a.example/?id={{ contact.id }}">t</a>', "merge_tag"),
        ('<a href="*|ARCHIVE|*">t</a>', "merge_tag"),
        ('<a href="[[view]]">t</a>', "merge_tag"),
        ('<a href="%%view%%">t</a>', "merge_tag"),
        ('<a href="<%= @url %>">t</a>', "merge_tag"),
        ('<a href="${url}">t</a>', "merge_tag"),
        ('<a href="{% url "x" %}">t</a>', "merge_tag"),
        ('<a href="{view}">t</a>', "merge_tag"),
        ('<a href="*|UNSUB|*">t</a>', "unsubscribe"),
        ('<a href="https://a.example/x">Unsubscribe here</a>', "unsubscribe"),
        ('<a href="https://a.example/optout?x=1">t</a>', "unsubscribe"),
        ('<a href="https://a.example/list-unsubscribe/1">t</a>', "unsubscribe"),
        ('<a href="https://a.example/x">Uitschrijven</a>', "unsubscribe"),
    ],
)
def test_links_that_cannot_be_tracked_have_a_reason(html: str, reason: str) -> None:
    assert [(link.trackable, link.reason) for link in find_links(html)] == [(False, reason)]


def test_a_link_to_an_article_about_unsubscribing_is_trackable() -> None:
    text = "Twelve reasons why the people on your list want to unsubscribe"
    html = f'<a href="https://a.example/why-people-unsubscribe">{text}</a>'
    assert [link.trackable for link in find_links(html)] == [True]


@pytest.mark.parametrize(
    "html",
    [
        '<!-- <a href="http://a.example">old</a> -->',
        '<link href="http://a.example"><base href="http://a.example">',
        "<style>a { content: '<a href=http://a.example>' }</style>",
        '<script>"<a href=\'http://a.example\'>"</script><title><a href="http://a.example"></title>',
        '<a name="x">anchor</a>',
        '<a href="http://a.example',
        '<svg><use href="#x"/></svg>',
        "a < b href=http://a.example>",
    ],
)
def test_markup_that_cannot_be_clicked_is_ignored(html: str) -> None:
    assert find_links(html) == []


def test_the_same_url_twice_is_two_links() -> None:
    assert len(find_links('<a href="http://a.example">x</a><a href="http://a.example">x</a>')) == 2


def test_a_replacement_is_quoted_if_it_requires_quotes() -> None:
    html = "<a href=http://a.example/>x</a>"
    links = [link.place for link in find_links(html)]
    assert replace_links(html, links, lambda _: "https://t.example/c/{{ token }}.1") == (
        '<a href="https://t.example/c/{{ token }}.1">x</a>'
    )
    assert (
        replace_links(html, links, lambda _: "https://t.example/c/abc.1") == "<a href=https://t.example/c/abc.1>x</a>"
    )


@pytest.mark.skipif(not SAMPLES, reason="the sample newsletters are not part of the project")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_links_of_a_newsletter_equal_those_of_an_independent_parser(sample: Path) -> None:
    html = sample.read_bytes().decode()
    independent = IndependentParser()
    independent.feed(html)
    independent.close()
    links, result = tracked(html)
    assert sorted(link.url for link in links) == sorted(independent.urls)
    assert_only_hrefs_differ(html, links, result)


PIECES = re.findall(
    r"\S+ ?",
    "<a href= <a   href=' href=\" http://a.example &amp; > </a> <!-- [if mso]> --> <![endif] <v:rect   </v:rect> /> <"
    " = ' \" <style> </style> <base href= mailto:x {{x}} </",
)
MARKUP = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=40).map("".join)


@given(MARKUP)
def test_only_hrefs_differ_for_any_markup(html: str) -> None:
    links, result = tracked(html)
    assert_only_hrefs_differ(html, links, result)


def assert_only_hrefs_differ(html: str, links: list[FoundLink], result: str) -> None:
    assert [link.place.start for link in links] == sorted(link.place.start for link in links)
    position = 0
    for place, link in enumerate(links):
        if not link.trackable:
            continue
        target = f"https://t.example/{place}"
        length = link.place.start - position
        assert result.startswith(html[position : link.place.start] + target)
        result, position = result[length + len(target) :], link.place.end
    assert result == html[position:]


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://a.example/?q=%20&x=[1]|{2}", "https://a.example/?q=%20&x=[1]|{2}"),
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("https://bücher.example/ü?x=ü#ü", "https://xn--bcher-kva.example/%C3%BC?x=%C3%BC#%C3%BC"),
        ("//bücher.example", "//xn--bcher-kva.example"),
        ("https://\u2028.example/", "https://%E2%80%A8.example/"),
    ],
)
def test_the_location_header_escapes_only_where_required(url: str, sent: str) -> None:
    assert location(url) == sent


def test_a_long_base_is_not_parsed_again_for_each_relative_link(monkeypatch: pytest.MonkeyPatch) -> None:
    base = "https://shop.example/" + "folder/" * 1_000
    parsed: list[str] = []

    def recording_urlsplit(url: str) -> SplitResult:
        parsed.append(url)
        return urlsplit(url)

    monkeypatch.setattr("services.tracking.domain.targets.urlsplit", recording_urlsplit)
    html = f'<base href="{base}">' + "".join(f'<a href="offer-{number}">Offer</a>' for number in range(500))
    found = find_links(html)
    assert [link.url for link in found] == [f"{base}offer-{number}" for number in range(500)]
    assert parsed.count(base) <= 2, "the base must be parsed at most once for Outlook and once for other mail programs"
