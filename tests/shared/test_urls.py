"""Different URLs of the same page are normalized to the same text."""

import pytest

from shared.urls import in_one_spelling, without_campaign


@pytest.mark.parametrize("url", ["https://Shop.example", "HTTPS://SHOP.example:443/", "https://shop.example/"])
def test_host_port_and_path_are_normalized(url: str) -> None:
    assert in_one_spelling(url) == "https://shop.example/"


@pytest.mark.parametrize("url", ["http://[::1", "mailto:a@b.example", "/dogs", "#top"])
def test_urls_without_a_valid_host_are_unchanged(url: str) -> None:
    assert in_one_spelling(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/dogs/?a=1&utm_source=mail",
        "http://shop.example/dogs?gclid=x&a=1",
        "https://SHOP.example/dogs?UTM_Campaign=x&a=1&mc_cid=y",
    ],
)
def test_campaign_parameters_are_removed(url: str) -> None:
    assert without_campaign(url) == "https://shop.example/dogs?a=1"


def test_other_parameters_are_not_removed() -> None:
    assert without_campaign("https://shop.example/?q=utm_source&b=#top") == "https://shop.example?q=utm_source&b=#top"
