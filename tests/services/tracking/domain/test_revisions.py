"""Given a message's links, when it is edited, then what stayed the same keeps its id, number and labels."""

from uuid import UUID, uuid4

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


def test_links_that_moved_keep_their_ids() -> None:
    first = revised(None, ("a", "A"), ("b", "B"))
    second = revised(first, ("b", "B"), ("new", "N"), ("a", "A"))
    assert numbers(second) == [2, 3, 1]
    assert second.order[0] == first.order[1]
    assert second.order[2] == first.order[0]


def test_another_text_or_another_url_is_another_link() -> None:
    first = revised(None, ("a", "A"), ("b", "B"))
    assert numbers(revised(first, ("a", "A!"), ("b!", "B"))) == [3, 4]


def test_vanished_links_stay_and_their_numbers_are_never_used_again() -> None:
    first = revised(None, ("a", "A"), ("b", "B"))
    second = revised(first, ("a", "A"))
    assert [(link.number, link.present) for link in second.links] == [(1, True), (2, False)]
    assert numbers(revised(second, ("c", "C"))) == [3]


def test_a_vanished_link_that_comes_back_is_the_same_link() -> None:
    first = revised(None, ("a", "A"))
    again = revised(revised(first), ("a", "A"))
    assert again.order == first.order
    assert again.links[0].present


def test_of_several_alike_those_that_were_there_come_first_in_order() -> None:
    first = revised(None, ("a", "A"), ("a", "A"), ("a", "A"))
    second = revised(first, ("a", "A"))
    assert numbers(second) == [1]
    assert numbers(revised(second, ("a", "A"), ("a", "A"))) == [1, 2]


def test_labels_stay_with_the_link() -> None:
    labelled = Link(uuid4(), 4, "http://a.example/a", "A", None, present=False, labels=(DOGS,))
    assert revise([labelled], find_links(html(("a", "A"))), uuid4).links[0].labels == (DOGS,)


PATHS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("AB")), max_size=6)


@given(st.lists(PATHS, min_size=1, max_size=5))
def test_whatever_the_edits_ids_and_numbers_stay_one_to_one(edits: list[list[tuple[str, str]]]) -> None:
    state: Revised | None = None
    seen: dict[UUID, tuple[int, str, str]] = {}
    for links in edits:
        state = revised(state, *links)
        assert len(state.order) == len(set(state.order)) == len(links)
        for link in state.links:
            assert seen.setdefault(link.id, (link.number, link.url, link.text)) == (link.number, link.url, link.text)
            assert link.present == (link.id in state.order)
        assert set(seen) == {link.id for link in state.links}
        assert len({number for number, _, _ in seen.values()}) == len(seen)


def link(number: int, url: str, *labels: LinkLabel, present: bool = True) -> Link:
    return Link(UUID(int=number), number, url, "", None, present, labels)


def test_a_url_on_several_links_carries_only_the_labels_that_they_share() -> None:
    links = [link(1, "u", DOGS, CATS), link(2, "u", CATS), link(3, "v", DOGS)]
    assert [found.number for found in links_to(links, "u")] == [1, 2]
    assert shared_labels(links_to(links, "u")) == (CATS,)
    assert shared_labels(links_to(links, "v")) == (DOGS,)
    assert links_to(links, "w") == []


def test_a_vanished_link_does_not_speak_for_one_that_is_there() -> None:
    assert [found.number for found in links_to([link(1, "u", DOGS, present=False), link(2, "u")], "u")] == [2]
    assert [found.number for found in links_to([link(1, "u", DOGS, present=False)], "u")] == [1]
