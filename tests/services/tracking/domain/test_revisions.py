"""When a message is edited, unchanged links keep their ids, numbers and labels."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.links import find_links
from services.tracking.domain.revisions import Link, LinkLabel, Revised, links_to, revise, shared_labels

DOGS, CATS = LinkLabel(uuid4(), "Dogs"), LinkLabel(uuid4(), "Cats")


def html(*links: tuple[str, str]) -> str:
    return "".join(f'<a href="http://a.example/{path}">{text}</a>' for path, text in links)


def revised(known: Revised | None, *links: tuple[str, str]) -> Revised:
    return revise(known.links if known else (), find_links(html(*links)), uuid4)


def numbers(revision: Revised) -> list[int]:
    by_id = {link.id: link.number for link in revision.links}
    return [by_id[link_id] for link_id in revision.order]


def test_a_new_message_numbers_its_links_in_order() -> None:
    assert numbers(revised(None, ("a", "A"), ("b", "B"), ("a", "A"))) == [1, 2, 3]


def test_moved_links_keep_their_ids() -> None:
    first = revised(None, ("a", "A"), ("b", "B"))
    second = revised(first, ("b", "B"), ("new", "N"), ("a", "A"))
    assert numbers(second) == [2, 3, 1]
    assert second.order[0] == first.order[1]
    assert second.order[2] == first.order[0]


def test_a_link_with_a_new_url_and_a_new_text_is_a_new_link() -> None:
    first = revised(None, ("a", "A"), ("b", "B"))
    assert numbers(revised(first, ("c", "C"), ("b", "B"))) == [3, 2]


def test_numbers_of_removed_links_are_never_reused() -> None:
    first = revised(None, ("a", "A"), ("b", "B"))
    second = revised(first, ("a", "A"))
    assert [(link.number, link.present) for link in second.links] == [(1, True), (2, False)]
    assert numbers(revised(second, ("c", "C"))) == [3]


def test_a_restored_link_keeps_its_id() -> None:
    first = revised(None, ("a", "A"))
    again = revised(revised(first), ("a", "A"))
    assert again.order == first.order
    assert again.links[0].present


def test_identical_links_are_matched_in_the_order_of_their_numbers() -> None:
    first = revised(None, ("a", "A"), ("a", "A"), ("a", "A"))
    second = revised(first, ("a", "A"))
    assert numbers(second) == [1]
    assert numbers(revised(second, ("a", "A"), ("a", "A"))) == [1, 2]


def test_a_restored_link_keeps_its_labels() -> None:
    labelled = Link(uuid4(), 4, "http://a.example/a", "A", None, present=False, labels=(DOGS,))
    assert revise([labelled], find_links(html(("a", "A"))), uuid4).links[0].labels == (DOGS,)


PATHS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("AB")), max_size=6)


@given(st.lists(PATHS, min_size=1, max_size=5))
def test_ids_and_numbers_stay_one_to_one_after_any_edits(edits: list[list[tuple[str, str]]]) -> None:
    state: Revised | None = None
    seen: dict[UUID, int] = {}
    for links in edits:
        state = revised(state, *links)
        assert len(state.order) == len(set(state.order)) == len(links)
        for link in state.links:
            assert seen.setdefault(link.id, link.number) == link.number
            assert link.present == (link.id in state.order)
        assert set(seen) == {link.id for link in state.links}
        assert len(set(seen.values())) == len(seen)


def link(number: int, url: str, *labels: LinkLabel, present: bool = True) -> Link:
    return Link(UUID(int=number), number, url, "", None, present, labels)


def test_a_url_on_several_links_carries_only_the_labels_that_they_share() -> None:
    links = [link(1, "u", DOGS, CATS), link(2, "u", CATS), link(3, "v", DOGS)]
    assert [found.number for found in links_to(links, "u")] == [1, 2]
    assert shared_labels(links_to(links, "u")) == (CATS,)
    assert shared_labels(links_to(links, "v")) == (DOGS,)
    assert links_to(links, "w") == []


def test_a_url_finds_removed_links_only_if_no_present_link_has_it() -> None:
    assert [found.number for found in links_to([link(1, "u", DOGS, present=False), link(2, "u")], "u")] == [2]
    assert [found.number for found in links_to([link(1, "u", DOGS, present=False)], "u")] == [1]


A, B = "https://shop.example/dogs", "https://shop.example/cats"
VML = '<!--[if mso]><v:roundrect href="{0}"><center>{1}</center></v:roundrect><![endif]-->'


def a(url: str, text: str) -> str:
    return f'<a href="{url}">{text}</a>'


def edited(before: str, after: str, *labelled: int) -> Revised:
    """Label the links numbered `labelled` with DOGS; return the links after the edit."""
    first = revise((), find_links(before), uuid4)
    links = [replace(one, labels=(DOGS,)) if one.number in labelled else one for one in first.links]
    return revise(links, find_links(after), uuid4)


def labels_of(revision: Revised) -> list[bool]:
    by_id = {one.id: bool(one.labels) for one in revision.links}
    return [by_id[link_id] for link_id in revision.order]


@pytest.mark.parametrize(
    "after",
    [
        a(A, "Dgos") + a(B, "Cats"),
        a(A, "Do\u200bgs") + a(B, "Cats"),
        a(A, "Do<br>gs") + a(B, "Cats"),
        a(A, '<img src="x" alt="A dog">') + a(B, "Cats"),
        a(f"{A}?utm_source=mail&amp;utm_medium=email", "Dogs") + a(f"{B}?utm_source=mail", "Cats"),
        a(f"{A}?gclid=1", "Our dogs") + a(f"{B}?gclid=1", "Our cats"),
        a(f"{A}/", "Dogs") + a(f"{B}/", "Cats"),
        a("https://shop.example/hounds", "Dogs") + a(B, "Cats"),
        a(B, "Cats") + a(A, "Dogs"),
        VML.format(A, "Dogs") + a(A, "Dogs") + a(B, "Cats"),
        a(A, "Dogs") + VML.format(A, "DOGS ") + a(B, "Cats"),
    ],
)
def test_small_edits_keep_ids_and_labels(after: str) -> None:
    revision = edited(a(A, "Dogs") + a(B, "Cats"), after, 1)
    assert set(numbers(revision)) == {1, 2}
    (labelled,) = [one for one in revision.links if one.labels]
    assert labelled.number == 1
    assert labelled.present
    assert not revision.lost


def test_removing_an_outlook_twin_keeps_the_labels_of_the_visible_link() -> None:
    revision = edited(VML.format(A, "Dogs") + a(A, "Dogs"), a(A, "Dogs"), 1)
    assert (numbers(revision), labels_of(revision)) == ([1], [True])


def test_an_outlook_twin_is_matched_to_the_nearest_link_with_its_text() -> None:
    revision = revise((), find_links(a(A, "One") + VML.format(A, "Two") + a(A, "Two") + a(A, "Two")), uuid4)
    assert numbers(revision) == [1, 2, 2, 3]


def test_an_outlook_button_with_another_text_is_a_new_link_with_the_same_labels() -> None:
    revision = edited(a(A, "Dogs"), VML.format(A, "Shop for dogs") + a(A, "Dogs"), 1)
    assert (numbers(revision), labels_of(revision)) == ([2, 1], [True, True])


def test_a_link_without_a_visible_twin_has_its_own_number() -> None:
    assert numbers(revise((), find_links(VML.format(B, "Cats") + a(A, "Dogs")), uuid4)) == [1, 2]


def test_duplicated_links_inherit_the_labels() -> None:
    revision = edited(a(A, "Dogs") + a(B, "Cats"), a(A, "Dogs") + a(B, "Cats") + a(A, "Dogs") + a(B, "Cats"), 1)
    assert (numbers(revision), labels_of(revision)) == ([1, 2, 3, 4], [True, False, True, False])


def test_the_labelled_one_of_several_identical_links_is_retained() -> None:
    revision = edited(a(A, "Dogs") * 3, a(A, "Dogs"), 2)
    assert (numbers(revision), labels_of(revision), revision.lost) == ([2], [True], ())


def test_removed_links_with_labels_are_listed_as_lost() -> None:
    revision = edited(a(A, "Dogs") + a(B, "Cats"), a("https://other.example", "Other") + a(B, "Cats"), 1)
    assert [(one.number, one.url) for one in revision.lost] == [(1, A)]


def test_a_url_that_was_corrected_in_the_html_still_finds_the_link() -> None:
    revision = edited(a("https://shop.example/dgos", "Dogs"), a(A, "Dogs"))
    assert [one.number for one in links_to(revision.links, "https://shop.example/dgos")] == [1]


@pytest.mark.parametrize(
    "url",
    [
        "../x y",
        "https://b.example/a/x%20y?q=1&amp;r=2",
        "https://b.example/a/x y?q=1&r=2",
        "../x y?q=1&amp;r=2",
        "../x y?q=1&r=2",
        " ../x\n y?q=1&r=2 ",
        "HTTPS://B.example:443/a/x%20y?q=1&r=2",
    ],
)
def test_a_link_is_found_by_every_spelling_of_its_url(url: str) -> None:
    html = '<base href="https://b.example/a/b/c"><a href="../x\n y?q=1&amp;r=2">t</a><a href="/other">u</a>'
    links = revise((), find_links(html), uuid4).links
    assert [one.number for one in links_to(links, url)] == ([1] if "?" in url else [])


@given(st.lists(st.sampled_from([A, B, f"{A}?utm_source=x", ""]), max_size=8), st.integers(0, 8), st.text(max_size=3))
def test_an_edit_never_gives_one_id_to_two_visible_links(urls: list[str], kept: int, text: str) -> None:
    before = "".join(a(url, text) for url in urls)
    after = "".join(a(url, "x") for url in urls[:kept]) + VML.format(A, "x")
    revision = edited(before, after, *range(0, 8, 2))
    visible = revision.order[: len(urls[:kept])]
    assert len(set(visible)) == len(visible)
