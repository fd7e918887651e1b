"""Links in markup of real mails. Each case represents a class that was found in mails of other systems."""

from time import process_time

import pytest

from services.tracking.domain.links import FoundLink, find_links

OWN = ("http://127.0.0.1:8101/c/",)


def one(html: str) -> FoundLink:
    (link,) = find_links(html, OWN)
    return link


def reason(href: str, text: str = "Shop") -> str | None:
    return one(f'<a href="{href}">{text}</a>').reason


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Read<br>more", "Read more"),
        ("Read<br/>more", "Read more"),
        ("<h2>Diamonds</h2><p>Shipping included</p>", "Diamonds Shipping included"),
        ("<table><tr><td>One</td><td>Two</td></tr></table>", "One Two"),
        ("<b>Dia</b>monds", "Diamonds"),
        ("Read&nbspmore &copy2026", "Read more ©2026"),
        ("A&ampB &lt3", "A&B <3"),
        ("Sale\u200b &#8203;now&shy;!", "Sale now!"),
        ("Sa\u034fle\u202anow\u2069", "Salenow"),
        ("<menu>One</menu>two<hgroup>three</hgroup>", "One two three"),
        ('<span style="display:block">Two</span>lines', "Two lines"),
        ('<span style="color:red"><b>One</b></span>line', "Oneline"),
        ('<font style="DISPLAY: table-row">A</font><i style="display: inline">B</i>', "A B"),
        ("Dia<wbr>monds", "Diamonds"),
        ("{% if x %}Dogs{% endif %}", "Dogs"),
        ("*|IF:X|*Dogs*|ELSE:|*Cats*|END:IF|*", "DogsCats"),
        ("<% if x > 1 %>Dogs<% end %> {{ name }}", "Dogs {{ name }}"),
    ],
)
def test_the_text_of_a_link_is_the_text_that_mail_programs_show(html: str, text: str) -> None:
    assert one(f'<a href="https://a.example/">{html}</a>').text == text


def test_a_link_in_a_cell_nests_in_the_link_around_the_table() -> None:
    html = (
        '<a href="https://a.example/"><table><tr><td><a href="https://a.example/">View on GitHub</a></td></tr></table>'
        "</a> after"
    )
    assert [link.text for link in find_links(html)] == ["View on GitHub", "View on GitHub"]


@pytest.mark.parametrize("end", ["</td>", "<td>", "</tr>", "<tr><td>", "</tbody>", "</table>"])
def test_the_end_of_a_cell_ends_the_link_in_it(end: str) -> None:
    html = f'<table><tr><td><a href="https://a.example/buy">Order{end}Unsubscribe by mail</table>'
    assert (one(html).text, one(html).reason) == ("Order", None)


@pytest.mark.parametrize("name", ["object", "marquee", "template", "applet"])
def test_a_link_in_an_object_nests_in_the_link_around_it(name: str) -> None:
    html = f'<a href="https://a.example/">A <{name}><a href="https://a.example/">B</a></{name}> C</a>'
    assert [link.text for link in find_links(html)] == ["A B C", "B"]


def test_a_table_within_a_link_does_not_end_it() -> None:
    html = (
        '<table><tr><td><a href="https://a.example/"><table><tr><td>One</td></tr></table> two</a> x</td></tr></table>'
    )
    assert one(html).text == "One two"


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https://a.example/&#1;x", "https://a.example/%01x"),
        ("https://a.example/&#x1f;x", "https://a.example/%1Fx"),
        ("https://a.example/\x02x", "https://a.example/%02x"),
        ("https://a.example/&#127;x", "https://a.example/%7Fx"),
        ("https://a.example/&#11;x", "https://a.example/%0Bx"),
        ("https://a.example/&#128;x", "https://a.example/\u20acx"),
        ("https://a.example/&#xFFFE;x", "https://a.example/\ufffex"),
        ("https://a.example/&#0000000000000120;", "https://a.example/x"),
        ("https://a.example/&#10;x", "https://a.example/x"),
        ("https://a.example/&#99999999999999999999;x", "https://a.example/\ufffdx"),
    ],
)
def test_control_characters_in_urls_are_percent_encoded(href: str, url: str) -> None:
    assert one(f'<a href="{href}">t</a>').url == url


def test_only_links_areas_and_shapes_of_outlook_are_found() -> None:
    html = """
    <a href="https://a.example/1"><span href="https://a.example/2">Buy</span></a><td href="https://a.example/3">x</td>
    <mj-font name="x" href="https://fonts.example/css?family=X"></mj-font><mj-include href="a"/>
    <p href="https://a.example/4">x</p><button href="https://a.example/5">x</button>
    <o:OfficeDocumentSettings href="https://a.example/6"/><!--[if mso]><v:oval href="https://a.example/7"/><![endif]-->
    <svg><a xlink:href="https://a.example/8">x</a></svg><map><area href="https://a.example/9"></map>
    """
    assert [link.url[-1] for link in find_links(html)] == ["1", "7", "8", "9"]


@pytest.mark.parametrize(
    "html",
    [
        '<svg><style><![CDATA[ a > b ]]></style></svg><a href="https://a.example/">t</a>',
        '<svg><![CDATA[ <a href="https://no.example/">n</a> ]]></svg><a href="https://a.example/">t</a>',
        '<svg><title><path d="x"/></title></svg><a href="https://a.example/">t</a>',
        '<![CDATA[ x ><a href="https://a.example/">t</a>',
        '<svg><p><style><a href="https://no.example/"></style></p><a href="https://a.example/">t</a>',
        '<math><mtext><style><a href="https://no.example/"></style></mtext></math><a href="https://a.example/">t</a>',
        '<svg><foreignObject><style><a href="https://no.example/"></style></foreignObject></svg>'
        '<a href="https://a.example/">t</a>',
    ],
)
def test_foreign_content_is_parsed_by_its_own_rules(html: str) -> None:
    assert one(html).url == "https://a.example/"


@pytest.mark.parametrize(
    "html",
    [
        '<a {% if x %}href="https://a.example/1"{% else %}href="https://a.example/2"{% endif %}>t</a>',
        '<a {{#if x}}href="https://a.example/1"{{else}}href="https://a.example/2"{{/if}}>t</a>',
        '<a <% if x > 1 %>href="https://a.example/1"<% else %>href="https://a.example/2"<% end %>>t</a>',
        '<a {% if x > 1 %} href="https://a.example/1" {% else %} href="https://a.example/2" {% endif %}>t</a>',
        '<a *|IF:X|*href="https://a.example/1"*|ELSE:|*href="https://a.example/2"*|END:IF|*>t</a>',
        '<a %%[if @x > 1 then]%%href="https://a.example/1"%%[else]%%href="https://a.example/2"%%[endif]%%>t</a>',
        '{% if x %}<a href="https://a.example/1">{% else %}<a href="https://a.example/2">{% endif %}t</a>',
        '{{#if x}}<a href="https://a.example/1">{{else}}<a href="https://a.example/2">{{/if}}t</a>',
    ],
)
def test_a_template_with_alternative_urls_has_a_link_for_each(html: str) -> None:
    assert [(link.url, link.text) for link in find_links(html)] == [
        ("https://a.example/1", "t"),
        ("https://a.example/2", "t"),
    ]


@pytest.mark.parametrize("href", ["www.shop.example/sale", "WWW.shop.example"])
def test_a_url_without_a_scheme_is_not_tracked(href: str) -> None:
    assert reason(href) == "no_scheme"


def test_links_to_the_service_itself_are_not_tracked_again() -> None:
    for url in (
        "http://127.0.0.1:8101/c/TOKEN.1",
        "HTTPS://127.0.0.1:8101/c/{{token}}.1",
        "//127.0.0.1:8101/c/T.1?x=1",
    ):
        assert reason(url) == "tracked"
    for url in ("http://127.0.0.1:8101/cats", "http://127.0.0.1:8109/c/T.1", "https://a.example/127.0.0.1:8101/c/T.1"):
        assert reason(url) is None
    pages = '<a href="http://127.0.0.1:8101/u/TOKEN">x</a><a href="https://shop.example/u/1">x</a>'
    found = find_links(pages, (*OWN, "http://127.0.0.1:8101/u/"))
    assert [link.reason for link in found] == ["unsubscribe", None], "links to unsubscribe pages must not be tracked"
    (link,) = find_links('<a href="https://click.example:443/c/T.1">t</a>', ("https://Click.example/c/",))
    assert link.reason == "tracked"


def test_a_base_for_outlook_applies_only_to_outlook() -> None:
    html = (
        '<!--[if mso]><base href="https://outlook.example/"><v:rect href="/y"/><![endif]--><a href="/x">t</a>'
        '<a href="https://a.example">u</a>'
    )
    assert [(link.url, link.reason) for link in find_links(html)] == [
        ("https://outlook.example/y", None),
        ("/x", "relative"),
        ("https://a.example", None),
    ]


def test_outlook_uses_the_first_of_two_bases() -> None:
    html = (
        '<base href="https://first.example/"><!--[if mso]><base href="https://outlook.example/">'
        '<v:rect href="/y"/><![endif]-->'
    )
    assert one(html).url == "https://first.example/y"


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("x", "https://b.example/a/b/x"),
        ("./x", "https://b.example/a/b/x"),
        ("../x", "https://b.example/a/x"),
        ("../../../x", "https://b.example/x"),
        ("../x/../y", "https://b.example/a/y"),
        ("..", "https://b.example/a/"),
        ("/x", "https://b.example/x"),
        ("//c.example/x", "https://c.example/x"),
        ("?q=1", "https://b.example/a/b/c?q=1"),
        ("x?q=../1#../2", "https://b.example/a/b/x?q=../1#../2"),
        ("#x", "#x"),
    ],
)
def test_a_relative_url_is_resolved_against_the_base(href: str, url: str) -> None:
    html = f'<base href="https://b.example/a/./b/c"><a href="{href}">t</a>'
    assert one(html).url == url


@pytest.mark.parametrize("href", ["page-{0}.html", "../page-{0}.html", "./../x/../page-{0}", "?page={0}", "/page-{0}"])
def test_a_long_base_with_hundreds_of_relative_links_is_read_quickly(href: str) -> None:
    base = "https://b.example/" + "x/" * 15_000
    links = "".join(f'<a href="{href.format(number)}">{number}</a>' for number in range(600))

    def processor_time() -> float:
        """Return the processor time of finding the links, in seconds."""
        began = process_time()
        assert len(find_links(f'<base href="{base}">{links}')) == 600
        return process_time() - began

    # The fastest of three runs, because other work evicts the caches. A run takes 0.05 s; resolving the base once per
    # link took 0.7 s in every run.
    assert min(processor_time() for _ in range(3)) < 0.35
