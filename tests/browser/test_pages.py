"""Every page is accessible in both languages, in light and dark mode, on narrow and wide screens."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import violations_of
from tests.browser.conftest import Visit
from tests.browser.shop import Shop

PAGES = (
    "",
    "labels",
    "labels/new",
    "labels/{label}",
    "labels/{label}/edit",
    "labels/{label}/merge",
    "labels/{label}/delete",
    "contacts",
    "contacts?q=anna",
    "contacts/new",
    "contacts/{contact}",
    "contacts/{contact}/labels/{label}",
    "contacts/{contact}/edit",
    "contacts/{contact}/erase",
    "messages",
    "messages/new",
    "messages/{message}",
    "messages/{message}/clicks",
    "messages/{message}/edit",
    "messages/{message}/delete",
    "messages/{message}/test",
    "messages/{message}/sections",
    "messages/{arrivals}?content=hero:cats",
    "messages/{arrivals}/blocks/hero",
    "segments",
    "segments/new",
    "segments/{segment}",
    "segments/{segment}?contact=anna@paws-demo.example",
    "segments/{segment}/edit",
    "segments/{segment}/changes",
    "segments/{segment}/changes?day=2026-03-02",
    "workflows",
    "workflows/new",
    "workflows/{workflow}",
    "workflows/{workflow}/edit",
    "workflows/{workflow}/try",
    "workflows/{workflow}/activate",
    "workflows/{workflow}/versions",
    "workflows/{workflow}/delete",
    "campaigns",
    "campaigns/new",
    "campaigns/new?segment={segment}",
    "campaigns/{campaign}",
    "campaigns/{campaign}/delete",
    "campaigns/{draft}",
    "campaigns/{draft}/audience?status=held_out",
    "campaigns/{draft}/launch",
    'people?criterion={{"label":"{label}"}}',
    "give?label={label}",
    'give?criterion={{"label":"{label}"}}',
    "imports",
    "exports",
    "forms",
    "settings",
    "settings/senders",
    "settings/suppressions",
    "settings/limits",
    "copy?kind=segment&id={segment}",
)
WIDTHS = (360, 1280)


@pytest.fixture(scope="module", params=["en-GB", "nl-NL"])
def localized_visit(request: pytest.FixtureRequest, browser: Browser, shop: Shop) -> Iterator[Visit]:
    visit = Visit(browser, shop, request.param)
    visit.sign_in(shop.sign_in_link())
    yield visit
    visit.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_an_account_is_accessible(localized_visit: Visit, shop: Shop, path: str) -> None:
    page = localized_visit.go(path.format(**shop.ids))
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == page.evaluate("navigator.language").partition("-")[0]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} px: wider than the screen"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations_of(page) == [], f"{width} px, {scheme}"
    assert localized_visit.errors == []


@pytest.mark.parametrize("path", ["/", "/me", "/operations"])
def test_pages_outside_an_account_are_accessible(localized_visit: Visit, path: str) -> None:
    answer = localized_visit.page.goto(path)
    assert answer is not None
    assert answer.status == 200
    assert violations_of(localized_visit.page) == []
