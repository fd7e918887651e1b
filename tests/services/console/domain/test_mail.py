"""Mails are shown safely, with their links marked."""

from pathlib import Path

import pytest

from services.console.domain.mail import MERGE_TAG, MarkedLink, cleaned, show_mail, source_of

HOSTILE = (Path(__file__).parents[3] / "browser" / "hostile.html").read_text(encoding="utf-8")
DOGS = MarkedLink("one", 1, "https://shop.example/dogs", "1 · Dogs", "labelled")


def shown(html: str, *links: MarkedLink) -> str:
    return show_mail(html, links, lambda link: f"/here?link={link.link_id}", pictures=False)


def test_a_tracked_link_points_to_the_console_and_is_marked() -> None:
    html = shown(f'<p><a href="https://click.example/c/{MERGE_TAG}.1" style="color:red">Dogs</a></p>', DOGS)
    assert '<a style="color:red" href="/here?link=one" target="_top" data-penchant-link="1">Dogs<span' in html
    assert ">1 · Dogs</span></a></p>" in html


def test_an_untracked_link_is_found_by_its_address() -> None:
    mailto = MarkedLink("two", 2, "mailto:hello@shop.example", "2", "off")
    assert "data-penchant-link" in shown('<a href="mailto:hello@shop.example">Write</a>', mailto)


def test_an_unknown_link_loses_its_address() -> None:
    assert shown('<a href="javascript:alert(1)">Click</a>') == "<a>Click</a>"


def test_active_content_is_removed_from_a_hostile_mail() -> None:
    html = cleaned(HOSTILE, pictures=False).casefold()
    for word in (
        "<script",
        "<iframe",
        "<form",
        "<input",
        "<base",
        "<meta",
        "<link",
        "javascript:",
        "onload",
        "onerror",
    ):
        assert word not in html
    assert "evil.example" not in html
    assert "over all" in html


@pytest.mark.parametrize("pictures", [True, False])
def test_remote_pictures_are_shown_only_on_request(pictures: bool) -> None:
    html = cleaned(
        '<img src="https://shop.example/dog.png" alt="Dog"><img src="data:image/png;base64,AA">', pictures=pictures
    )
    assert ("https://shop.example/dog.png" in html) is pictures
    assert "data:image/png" in html
    assert 'alt="Dog"' in html


def test_text_and_styles_are_unchanged() -> None:
    html = "<!DOCTYPE html><style>p > a { color: #333 }</style><p>1 &lt; 2 &amp; 3 &#8364;</p>"
    assert (
        cleaned(html, pictures=False)
        == "<!DOCTYPE html><style>p > a { color: #333 }</style><p>1 &lt; 2 &amp; 3 &#8364;</p>"
    )


def test_the_source_contains_the_original_addresses_of_links() -> None:
    html = f'<a href="https://click.example/c/{MERGE_TAG}.1">Dogs</a> <a href="mailto:a@b.example">Write</a>'
    assert source_of(html, {"1": "https://shop.example/dogs?a=1&b=2"}) == (
        '<a href="https://shop.example/dogs?a=1&amp;b=2">Dogs</a> <a href="mailto:a@b.example">Write</a>'
    )
