import httpx

from deploy.demo.shop import Shop


def test_any_link_leads_to_a_page_that_says_where_to_look() -> None:
    with Shop() as shop:
        page = httpx.get(f"{shop.url}/puppy-food?size=12kg")

    assert page.status_code == 200
    assert '<h1 style="color:#3b6e47">Puppy food</h1>' in page.text
    assert "Look at your terminal" in page.text


def test_a_path_is_text_and_nothing_more() -> None:
    with Shop() as shop:
        page = httpx.get(f"{shop.url}/%3Cscript%3E")

    assert "<script>" not in page.text
