"""Mails equal the original except for links, blocks and merge tags; values are escaped for their context."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.blocks import InvalidBlocks, find_blocks
from services.tracking.domain.links import find_links
from services.tracking.domain.plain_text import text_of
from services.tracking.domain.rendering import MailSource, compile_mail, line_of

PAGES = "https://pages.example"


def rendered(html: str, content: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    values = more.pop("values", {})
    links = find_links(html)
    source = MailSource(
        html=html,
        layout=find_blocks(html),
        places=[link.place for link in links],
        urls=[f"https://t.example/c/\0.{number}" if link.trackable else None for number, link in enumerate(links, 1)],
        preferences_url=PAGES,
        **more,
    )
    mail = compile_mail(source, content or {}, text_of)
    line: dict[str, Any] = json.loads(line_of(7, b"TOKEN", mail, values))
    return line


def body(html: str, **values: str) -> str:
    return str(rendered(html, values={f"field.{key}": value for key, value in values.items()})["html"])


def test_a_mail_has_tracked_links_and_the_recipients_unsubscribe_page() -> None:
    html = (
        '<p>Hi "you" \u20ac</p>\n<a href=https://a.example/?a=1&amp;b=2>Shop</a> <a href="{{unsubscribe_url}}">Stop</a>'
    )
    line = rendered(html, subject="News", preheader="Soon {{field.x|over}}", values={})
    assert line["contact_id"] == 7
    assert line["token"] == "TOKEN"
    assert (line["subject"], line["preheader"]) == ("News", "Soon over")
    tracked = html.replace("https://a.example/?a=1&amp;b=2", '"https://t.example/c/TOKEN.1"')
    expected = tracked.replace("{{unsubscribe_url}}", f"{PAGES}/u/TOKEN")
    assert line["html"].startswith(expected)
    assert "Soon over" in line["html"][len(expected) :]
    assert "Shop (https://t.example/c/TOKEN.1) Stop (https://pages.example/u/TOKEN)" in line["text"]


@pytest.mark.parametrize(
    ("html", "value", "expected"),
    [
        ("<p>{{field.x}}</p>", "<b>&", "<p>&lt;b&gt;&amp;</p>"),
        ("<p>{{ field.x | there }}</p>", "", "<p>there</p>"),
        ("<p>{{field.x|d&eacute;j&agrave;}}</p>", "", "<p>d\u00e9j\u00e0</p>"),
        ('<p title="{{field.x}}">', '"><script>', '<p title="&quot;&gt;&lt;script&gt;">'),
        ("<p title={{field.x}}>", "a b=c>", "<p title=a&#32;b&#61;c&#62;>"),
        ('<a href="https://a.example/?c={{field.x}}">t</a>', "G&nt q", '<a href="https://a.example/?c=G%26nt%20q">t</a>'),
        ('<a href="{{field.x}}">t</a>', "https://a.example/?b=1&c=2", '<a href="https://a.example/?b&#61;1&#38;c&#61;2">t</a>'),
        ('<a href="{{field.x}}">t</a>', "javascript:alert(1)", '<a href="">t</a>'),
        ('<a href="%7B%7Bfield.x%7D%7D">t</a>', "https://a.example", '<a href="https://a.example">t</a>'),
        ('<p style="color:{{field.x}}">', "red;background:url(x)\"", '<p style="color:redbackgroundurlx">'),
        ("<script>{{field.x}}</script>", "x", "<script>{{field.x}}</script>"),
        ('<p onclick="{{field.x}}">', "x", '<p onclick="{{field.x}}">'),
        ("<!-- {{field.x}} -->", "x", "<!-- {{field.x}} -->"),
        ("{{ first_name }} *|FNAME|* %%x%% {{contact.name}}", "x", "{{ first_name }} *|FNAME|* %%x%% {{contact.name}}"),
    ],
)  # fmt: skip
def test_values_are_escaped_for_their_context(html: str, value: str, expected: str) -> None:
    assert body(html, x=value) == expected


def test_a_subject_stays_one_line_and_text_is_not_escaped() -> None:
    line = rendered("<p>x</p>", subject="{{field.x}}", text="Hi {{field.x}}", values={"field.x": "a\r\nBcc: b <c>"})
    assert (line["subject"], line["text"]) == ("a Bcc: b <c>", "Hi a\r\nBcc: b <c>")


def test_plain_text_has_the_recipients_values_and_only_the_chosen_variant() -> None:
    html = (
        "<p>Hi {{field.x|you}}</p><!-- penchant:block b --><!-- penchant:variant v --><p>V</p>"
        "<!-- penchant:fallback --><p>F</p><!-- /penchant:block -->"
    )
    assert rendered(html, {"b": "v"}, values={"field.x": "<Ann>"})["text"] == "Hi <Ann>\n\nV"
    assert rendered(html, values={})["text"] == "Hi you\n\nF"


def test_the_subject_has_variants_like_a_block() -> None:
    variants = {"dogs": "Dogs!", "cats": "Cats!"}
    subjects = [
        rendered("x", {"subject": name}, subject="News", subject_variants=variants)["subject"] for name in ("dogs", "")
    ]
    assert subjects == ["Dogs!", "News"]


def test_the_preheader_is_inserted_at_the_start_of_the_body() -> None:
    html = rendered("<html><body class=x>Hi</body></html>", preheader="Soon & {{field.x}}", values={"field.x": "<b>"})[
        "html"
    ]
    assert html.index("Soon &amp; &lt;b&gt;</div>Hi</body>") > html.index("<body class=x><div")


PIECES = [
    "<p>", "</p>", '<a href="https://a.example/">', "</a>", "{{field.x|f}}", "{{unsubscribe_url}}", '"', "\\", "\u2028",
    "<!-- penchant:block a -->", "<!-- penchant:variant v -->", "<!-- /penchant:block -->", "text \u00e9", "<body>",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join), st.text(max_size=10))
def test_a_line_is_valid_json_for_any_message_and_value(html: str, value: str) -> None:
    try:
        find_blocks(html)
    except InvalidBlocks:
        return
    line = rendered(html, {"a": "v"}, preheader="p", values={"field.x": value})
    assert "\0" not in line["html"].replace(value, "")
