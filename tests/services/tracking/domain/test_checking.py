"""The check of a message warns of what a marketer should review before sending."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.tracking.domain.blocks import find_blocks
from services.tracking.domain.checking import CheckedMessage, check
from services.tracking.domain.links import find_links
from services.tracking.domain.mail import MailContent, block_states
from services.tracking.domain.plain_text import text_of
from services.tracking.domain.revisions import LinkLabel, revise

GOOD = (
    '<p>Hi {{field.first_name}}</p><a href="https://shop.example">Shop</a><img src="https://shop.example/x.png">'
    '<p>Shop, Nieuwstraat 12, 1000 Brussel</p><a href="{{unsubscribe_url}}">Unsubscribe</a>'
)


def codes(html: str, *broken: tuple[str, str], subject: str | None = "News") -> list[str]:
    links = revise((), find_links(html), uuid4).links
    labelled = [replace(link, labels=(LinkLabel(uuid4(), "Dogs"),)) if "shop" in link.url else link for link in links]
    content = MailContent(subject, sender_id=uuid4(), text=text_of(html))
    blocks = block_states(find_blocks(html), content, {})
    return [warning.code for warning in check(CheckedMessage(html, content, labelled, blocks, broken))]


def test_a_good_message_has_no_warnings() -> None:
    assert codes(GOOD) == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ('<a href="https://other.example">x</a>', "unlabelled_link"),
        ('<a href="/x">x</a>', "link_not_tracked"),
        ('<a href="www.a.example">x</a>', "link_not_tracked"),
        ("<p>{{first_name}}</p>", "unknown_tag"),
        ('<img src="x.png">', "relative_picture"),
        ("<!-- penchant:block b --><!-- penchant:variant v --><!-- /penchant:block -->", "block_without_criterion"),
        ("<!-- penchant:block b --><!-- penchant:variant v --><!-- /penchant:block -->", "empty_fallback"),
    ],
)
def test_each_problem_has_its_warning(more: str, code: str) -> None:
    assert code in codes(GOOD + more)


@pytest.mark.parametrize(
    ("html", "code"),
    [
        (
            GOOD.replace("{{unsubscribe_url}}", "https://shop.example/x").replace("Unsubscribe", "x"),
            "no_unsubscribe_link",
        ),
        (GOOD.replace("1000 Brussel", "\u00a9 2026"), "no_postal_address"),
    ],
)
def test_each_missing_part_has_its_warning(html: str, code: str) -> None:
    assert codes(html) == [code]


def test_a_missing_subject_and_a_broken_variant_have_warnings() -> None:
    assert codes(GOOD, subject=None) == ["no_subject"]
    assert codes(GOOD, ("hero", "dogs")) == ["broken_variant"]
