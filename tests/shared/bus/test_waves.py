"""Waves separate the events that a relay may send at once from those that wait for an acknowledgement."""

from typing import Any

from shared.bus.waves import Waves

C, L, CATALOG = "labeling.contacts", "labeling.labels", "labeling.catalog"


def row(position: int, topic: str, after: str = "", partition: int = 0, published: int = 0) -> Any:
    return {
        "partition": -1 if topic == CATALOG else partition,
        "position": position,
        "published": published,
        "topic": topic,
        "after": after,
    }


def waves(rows: list[Any], most: int = 100) -> list[list[int]]:
    """Return the positions of each wave."""
    dealt, found = Waves(rows, most), []
    while wave := dealt.next():
        found.append([one["position"] for one in wave])
        dealt.acknowledged(wave)
    return found


def test_events_that_name_no_event_of_their_writer_form_one_wave() -> None:
    assert waves([row(1, C), row(2, L, "tracking.clicks=99"), row(3, L, partition=1)]) == [[1, 2, 3]]


def test_an_assignment_waits_for_the_contact_that_it_names() -> None:
    rows = [row(1, C), row(2, L, f"{C}=1"), row(3, L, f"{C}=1"), row(4, L, partition=1)]
    assert waves(rows) == [[1, 4], [2, 3]]


def test_events_do_not_wait_for_events_that_are_already_published() -> None:
    assert waves([row(5, L, f"{C}=4,{CATALOG}=3", published=4), row(6, L, f"{C}=4", published=4)]) == [[5, 6]]


def test_events_that_each_name_the_previous_one_form_one_wave_each() -> None:
    rows = [row(1, C), row(2, L, f"{C}=1"), row(3, C, f"{L}=2"), row(4, L, f"{C}=3")]
    assert waves(rows) == [[1], [2], [3], [4]]


def test_catalog_events_precede_the_events_that_name_them() -> None:
    assert waves([row(7, CATALOG, published=6), row(8, L, f"{CATALOG}=7"), row(9, L, f"{CATALOG}=6", partition=1)]) == [
        [7, 9],
        [8],
    ]


def test_events_that_name_an_event_not_yet_read_wait_for_the_next_read() -> None:
    rows = [row(1, CATALOG), row(2, CATALOG), row(9, L, f"{CATALOG}=5"), row(8, L, f"{CATALOG}=2", partition=1)]
    assert waves(rows, most=2) == [[1, 2], [8]]


def test_a_wave_moves_the_positions_of_its_partitions() -> None:
    dealt = Waves([row(5, C, published=4), row(6, L, f"{C}=5", published=4), row(7, L, partition=1, published=2)], 100)
    assert dealt.acknowledged(dealt.next()) == {0: (4, 5), 1: (2, 7)}
    assert dealt.acknowledged(dealt.next()) == {0: (5, 6)}
