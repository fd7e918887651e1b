"""Links of a message are grouped, folded and labelled in the console."""

from typing import Any

from services.console.domain.links import group_links, label_suggestions, names_in
from shared.urls import without_campaign


def link(link_id: str, url: str, *labels: str, trackable: bool = True) -> dict[str, Any]:
    named = [{"id": label, "name": label.title()} for label in labels]
    return {"id": link_id, "url": url, "labels": named, "trackable": trackable}


def test_links_with_the_same_address_and_labels_are_one_group() -> None:
    groups = group_links(
        [
            link("1", "https://shop.example/dogs?utm_source=top", "dogs"),
            link("2", "https://shop.example/cats"),
            link("3", "https://shop.example/dogs/", "dogs"),
            link("4", "https://shop.example/dogs"),
        ]
    )
    assert [[one["id"] for one in group.links] for group in groups] == [["1", "3"], ["2"], ["4"]]


def test_social_and_untracked_links_are_folded_unless_they_have_labels() -> None:
    groups = group_links(
        [
            link("1", "https://www.facebook.com/shop"),
            link("2", "mailto:hello@shop.example", trackable=False),
            link("3", "https://instagram.com/dogs", "dogs"),
            link("4", "https://shop.example/"),
        ]
    )
    assert [group.folded for group in groups] == [True, True, False, False]


def test_labels_of_earlier_messages_are_suggested_for_unlabelled_links() -> None:
    earlier = [{"links": [link("9", "https://shop.example/dogs?utm_campaign=may", "dogs")]}]
    links = [link("1", "https://shop.example/dogs"), link("2", "https://shop.example/cats", "cats")]
    assert label_suggestions(links, earlier) == {without_campaign("https://shop.example/dogs"): ["Dogs"]}


def test_typed_names_are_split_at_commas() -> None:
    assert names_in(" Dogs,  Spring   sale ,, Dogs, ") == ["Dogs", "Spring sale"]
