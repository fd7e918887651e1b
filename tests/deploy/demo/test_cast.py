"""The messages and the people of the demo."""

from deploy.demo import cast
from services.tracking.domain.links import find_links

SHOP = "http://127.0.0.1:5000"


def links_of(html: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link in find_links(html):
        if link.reason is None:
            found.setdefault(link.text.strip(), []).append(link.url)
    return found


def test_every_link_of_the_newsletter_has_labels_and_points_to_the_shop() -> None:
    links = links_of(cast.newsletter(SHOP))

    assert links.keys() == cast.LINK_LABELS.keys()
    assert all(url.startswith(f"{SHOP}/") for urls in links.values() for url in urls)
    assert links["Puppy food"] == [f"{SHOP}/puppy-food?size=12kg&from=newsletter"]


def test_the_outlook_button_is_a_separate_link() -> None:
    assert len(links_of(cast.newsletter(SHOP))["The spring sale"]) == 2


def test_the_guide_has_one_link() -> None:
    assert list(links_of(cast.puppy_guide(SHOP))) == ["Read the puppy guide"]


def test_people_click_existing_links_and_get_existing_labels() -> None:
    clicked = {text for person in cast.PEOPLE for text in person.clicks}

    assert clicked | {cast.YOUR_LINK} == cast.LINK_LABELS.keys()
    assert {name for names in cast.LINK_LABELS.values() for name in names} <= cast.LABELS.keys()
    assert len({person.email for person in cast.PEOPLE}) == len(cast.PEOPLE)
