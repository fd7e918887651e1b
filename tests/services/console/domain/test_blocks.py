"""Sections of a mail become blocks, variants are edited in place, and the rest of the mail is unchanged."""

from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.blocks import (
    block_of,
    pieces_of,
    unwrapped,
    with_pieces,
    with_variant,
    without_variant,
    wrapped,
)
from services.console.domain.sections import Section, sections_of, with_places
from services.tracking.domain.blocks import find_blocks

MAIL = """<html><head><style>p { color: red }</style></head><body><h1>Spring</h1>
<table><tr><td><p>Dogs &amp; more <a href="https://shop.example/dogs?a=1&amp;b=2">Food</a></p>
<img src='dog.png' alt="A dog"></td></tr><tr><td>Cats</td></tr></table></body></html>"""


def section(text: str, tag: str) -> Section:
    return next(one for one in sections_of(MAIL) if one.tag == tag and text in one.text)


def test_sections_are_the_visible_elements() -> None:
    found = [(one.tag, one.text) for one in sections_of(MAIL)]
    assert found == [
        ("h1", "Spring"),
        ("table", "Dogs & more Food A dogCats"),
        ("tr", "Dogs & more Food A dog"),
        ("p", "Dogs & more Food"),
        ("img", "A dog"),
        ("tr", "Cats"),
    ]


def test_a_section_becomes_a_block_that_tracking_reads() -> None:
    changed = wrapped(MAIL, section("Dogs", "tr"), "hero", ["dogs", "cats"])
    (block,) = find_blocks(changed).blocks
    assert (block.name, block.variants, block.fallback) == ("hero", ("dogs", "cats"), True)
    row = MAIL[section("Dogs", "tr").start : section("Dogs", "tr").end]
    assert [changed[part.start : part.end] for part in block.parts] == [row, row, row]


def test_elements_in_or_around_a_block_are_not_sections() -> None:
    changed = wrapped(MAIL, section("Dogs", "p"), "hero", ["dogs"])
    assert [one.tag for one in sections_of(changed)] == ["h1", "img", "tr"]


def test_texts_links_and_pictures_of_a_variant_are_edited_in_place() -> None:
    changed = wrapped(MAIL, section("Dogs", "tr"), "hero", ["dogs"])
    block = block_of(changed, "hero")
    assert block is not None
    pieces = pieces_of(changed, block.parts[0])
    assert [(one.kind, one.value) for one in pieces] == [
        ("text", "Dogs & more"),
        ("link", "https://shop.example/dogs?a=1&b=2"),
        ("text", "Food"),
        ("picture", "dog.png"),
        ("alt", "A dog"),
    ]
    values = ["Only <dogs>", "https://shop.example/puppies?a=1&b=2", "Puppies", "puppy.png", 'A "puppy"']
    edited = with_pieces(changed, dict(zip(pieces, values, strict=True)))
    again = block_of(edited, "hero")
    assert again is not None
    assert [one.value for one in pieces_of(edited, again.parts[0])] == values
    assert "Only &lt;dogs&gt;" in edited
    assert unwrapped(edited, "hero") == MAIL


def test_variants_are_added_and_removed() -> None:
    changed = with_variant(wrapped(MAIL, section("Dogs", "tr"), "hero", ["dogs"]), "hero", "cats")
    block = block_of(changed, "hero")
    assert block is not None
    assert [part.variant for part in block.parts] == ["dogs", "cats", ""]
    assert unwrapped(without_variant(changed, "hero", "dogs"), "hero") == MAIL


@given(st.text(alphabet="<>/ptrdivh1 a=\"'&;!-\n", max_size=80))
def test_unwrapping_a_section_restores_the_original_text(html: str) -> None:
    for one in sections_of(html):
        assert 0 <= one.start < one.end <= len(html)
        assert html[one.start] == "<"
        assert unwrapped(wrapped(html, one, "hero", ["dogs"]), "hero") == html
    assert len(with_places(html)) >= len(html)
