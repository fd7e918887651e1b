"""URLs that lead to the same page are equal."""

import pytest

from shared.urls import in_one_spelling, without_campaign


@pytest.mark.parametrize("url", ["https://Shop.example", "HTTPS://SHOP.example:443/", "https://shop.example/"])
def test_host_port_and_path_have_one_spelling(url: str) -> None:
    assert in_one_spelling(url) == "https://shop.example/"


@pytest.mark.parametrize("url", ["http://[::1", "mailto:a@b.example", "/dogs", "#top"])
def test_what_has_no_host_stays_as_it_is(url: str) -> None:
    assert in_one_spelling(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/dogs/?a=1&utm_source=mail",
        "http://shop.example/dogs?gclid=x&a=1",
        "https://SHOP.example/dogs?UTM_Campaign=x&a=1&mc_cid=y",
    ],
)
def test_what_only_counts_visits_does_not_matter(url: str) -> None:
    assert without_campaign(url) == "https://shop.example/dogs?a=1"


def test_parameters_of_the_target_stay() -> None:
    assert without_campaign("https://shop.example/?q=utm_source&b=#top") == "https://shop.example?q=utm_source&b=#top"
