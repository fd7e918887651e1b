"""The web shop of the demo, to which its tracked links redirect."""

import httpx

from deploy.demo.shop import Shop


def test_every_path_returns_a_page_that_refers_to_the_terminal() -> None:
    with Shop() as shop:
        page = httpx.get(f"{shop.url}/puppy-food?size=12kg")

    assert page.status_code == 200
    assert '<h1 style="color:#3b6e47">Puppy food</h1>' in page.text
    assert "Look at your terminal" in page.text


def test_the_path_is_escaped() -> None:
    with Shop() as shop:
        page = httpx.get(f"{shop.url}/%3Cscript%3E")

    assert "<script>" not in page.text
