"""Blocks are found with exact positions; mismatched markers are rejected with line and column."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.blocks import InvalidBlocks, Layout, find_blocks

HERO = (
    "<p>Hi</p><!-- penchant:block hero --> <!-- penchant:variant dogs --><b>Dogs</b><!-- penchant:variant cats -->"
    "<i>Cats</i><!--penchant:fallback-->News<!-- /penchant:block --><p>Bye</p>"
)
ROWS = (
    '<table><tr data-penchant-block="hero" data-penchant-variant="dogs"><td><table><tr><td>D</td></tr></table></td>'
    "</tr>"
    "<tr><td>x</td></tr><tr class=a data-penchant-variant='' data-penchant-block=hero><td>F</td></tr></table>"
)


def shown(html: str, layout: Layout, **content: str) -> str:
    pieces, position = [], 0
    for start, end in layout.hidden(content):
        pieces.append(html[position:start])
        position = max(position, end)
    return "".join([*pieces, html[position:]])


@pytest.mark.parametrize(("variant", "text"), [("dogs", "<b>Dogs</b>"), ("cats", "<i>Cats</i>"), ("", "News")])
def test_a_block_marked_by_comments_shows_one_variant_and_no_marker(variant: str, text: str) -> None:
    layout = find_blocks(HERO)
    assert [(block.name, block.variants, block.fallback) for block in layout.blocks] == [
        ("hero", ("dogs", "cats"), True)
    ]
    assert shown(HERO, layout, hero=variant) == f"<p>Hi</p>{text}<p>Bye</p>"


def test_a_block_marked_by_attributes_shows_the_elements_of_one_variant() -> None:
    layout = find_blocks(ROWS)
    assert [(block.name, block.variants, block.fallback) for block in layout.blocks] == [("hero", ("dogs",), True)]
    middle = "<tr><td>x</td></tr>"
    dogs = "<tr><td><table><tr><td>D</td></tr></table></td></tr>"
    assert shown(ROWS, layout, hero="dogs") == f"<table>{dogs}{middle}</table>"
    assert shown(ROWS, layout) == f"<table>{middle}<tr class=a><td>F</td></tr></table>"


def test_an_element_without_content_can_be_a_variant() -> None:
    html = '<img data-penchant-block="a" data-penchant-variant="b" src="x">after'
    assert shown(html, find_blocks(html), a="b") == '<img src="x">after'
    assert shown(html, find_blocks(html)) == "after"


@pytest.mark.parametrize(
    ("html", "line", "column", "detail"),
    [
        ("a\n <!-- penchant:block x --><!-- penchant:variant y -->", 2, 2, "never closed"),
        ("<!-- penchant:block x --><!-- penchant:variant y --><!-- penchant:block z -->", 1, 53, "cannot be nested"),
        (HERO + "\n" + HERO, 2, 10, "more than one block hero"),
        (HERO + "\n" + ROWS, 2, 8, "more than one block hero"),
        (ROWS + "\n" + HERO, 2, 10, "more than one block hero"),
        ("<!-- penchant:variant x -->", 1, 1, "not inside a block"),
        ("<!-- /penchant:block -->", 1, 1, "not inside a block"),
        ("<!-- penchant:blok x -->", 1, 1, "no marker penchant:blok"),
        ("<!-- penchant:block -->", 1, 1, "needs a name"),
        ("<!-- penchant:block a b -->", 1, 1, "needs a name"),
        ("<!-- penchant:block x --><!-- /penchant:block -->", 1, 26, "has no variant"),
        ("<!-- penchant:block x -->text<!-- penchant:variant y --><!-- /penchant:block -->", 1, 1, "before its first"),
        (HERO.replace("cats", "dogs"), 1, 80, "more than one variant dogs"),
        (HERO.replace("variant dogs", "fallback").replace("<!--penchant:fallback-->", ""), 1, 76, "not the last"),
        ('<p data-penchant-block="x" data-penchant-variant="y">t', 1, 1, "no end tag"),
        ('<p data-penchant-block="x">t</p>', 1, 1, "needs data-penchant-variant"),
        ('<p data-penchant-variant="x">t</p>', 1, 1, "without data-penchant-block"),
        (
            '<p data-penchant-block="x" data-penchant-variant="y"><b data-penchant-block="z" data-penchant-variant="y">'
            "</b></p>",
            1, 54, "cannot be nested",
        ),
        ("<!-- penchant:block subject --><!-- penchant:variant y --><!-- /penchant:block -->", 1, 1, "reserved for"),
    ],
)  # fmt: skip
def test_mismatched_markers_are_rejected_with_their_position(html: str, line: int, column: int, detail: str) -> None:
    with pytest.raises(InvalidBlocks) as rejected:
        find_blocks(html)
    fault = rejected.value.faults[0]
    assert detail in fault.detail
    assert (fault.line, fault.column) == (line, column)


PIECES = [
    "<!-- penchant:block a -->", "<!-- penchant:variant b -->", "<!-- penchant:fallback -->",
    "<!-- /penchant:block -->",
    "<p data-penchant-block=c data-penchant-variant=d>", "</p>", "<p>", "text", "<!-- x -->",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from(["b", "d", ""]))
def test_parts_never_overlap_and_no_marker_remains(html: str, variant: str) -> None:
    try:
        layout = find_blocks(html)
    except InvalidBlocks:
        return
    assert "penchant" not in shown(html, layout, a=variant, c=variant)
    for block in layout.blocks:
        positions = sorted((part.start, part.end) for part in block.parts)
        assert all(before[1] <= after[0] for before, after in pairwise(positions))
