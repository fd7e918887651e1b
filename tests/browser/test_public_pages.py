"""The public pages: accessible in each language, on the narrowest screen, without scripts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.events.parts import Send
from shared.tokens import Purpose, TokenContents, TokenKeys
from tests.browser.axe import violations_of
from tests.browser.shop import Shop
from tests.stack.sandbox import TOKEN_KEYS

KEYS = TokenKeys.parse(TOKEN_KEYS)
LANGUAGES = ("nl-BE", "en-GB", "fr-BE", "de-DE")
NARROW, WIDE = 320, 1280
LONG = "Kattenbakvullingsabonnementen en andere heel lange onderwerpen"


class Visitor:
    """A contact of the shop, and the paths of its public pages."""

    def __init__(self, shop: Shop, contact_id: int, form_id: str) -> None:
        self.shop = shop
        self.contact_id = contact_id
        self.form = f"/f/{form_id}"
        self.url = shop.account.scene.url("labeling")

    def token(self, purpose: Purpose = Purpose.RECIPIENT, kind: str = "campaign", contact_id: int = 0) -> str:
        send = Send(kind=kind, id="spring", sent_at=datetime.now(UTC))  # type: ignore[arg-type] # one of the kinds
        recipient = TokenContents(self.shop.account.account_id, contact_id or self.contact_id, UUID(int=7), send)
        return KEYS.make(recipient, purpose)

    def paths(self) -> dict[str, tuple[str, int]]:
        """Return the path of every page with the status that it answers."""
        own = self.token()
        return {
            "preferences": (f"/p/{own}", 200),
            "saved": (f"/p/{own}?saved=1", 200),
            "test mail": (f"/p/{self.token(kind='test')}", 200),
            "unsubscribe": (f"/u/{own}", 200),
            "data": (f"/p/{self.token(Purpose.ACCESS)}/data", 200),
            "form": (self.form, 200),
            "confirm": (f"/f/confirm/{self.token(Purpose.CONFIRMATION)}", 200),
            "gone": (f"/p/{self.token(contact_id=4_000_000_000)}", 410),
            "not genuine": (f"/p/{own}x", 404),
        }


@pytest.fixture(scope="module")
def visitor(shop: Shop) -> Visitor:
    account = shop.account
    brand = {"name": "Paws & Co", "colour": "#ffe800", "postal_address": "Dorpsstraat 1\n9000 Gent"}
    account.ask("labeling", "PATCH", "/v1/account", {"brand": brand})
    labels = [
        account.post("labeling", "/v1/labels", {"name": name, "visibility": "public", "group": group})["id"]
        for name, group in ((LONG, "Katten"), ("Aquariums", "Vissen"), ("Kooien", None))
    ]
    account.post("labeling", "/v1/fields", {"key": "shoe", "name": "Schoenmaat", "type": "choice", "choices": ["40"]})
    account.post("labeling", "/v1/fields", {"key": "born", "name": "Geboortedatum", "type": "date"})
    form = {"name": "Nieuwsbrief", "fields": ["shoe", "born"], "labels": labels, "text": "Elke maand."}
    contact = account.post("labeling", "/v1/contacts", {"email": f"{'lang' * 12}@people.example", "labels": [LONG]})
    form_id = account.post("labeling", "/v1/forms", form)["id"]
    return Visitor(shop, contact["id"], form_id)


@pytest.fixture(scope="module", params=LANGUAGES)
def page(request: pytest.FixtureRequest, browser: Browser, visitor: Visitor) -> Iterator[Page]:
    """Provide a page of a browser that is not signed in, in one language."""
    context = browser.new_context(base_url=visitor.url, locale=request.param)
    page = context.new_page()
    yield page
    context.close()


def test_public_pages_are_accessible_and_set_no_cookies(page: Page, visitor: Visitor) -> None:
    language = page.evaluate("navigator.language").partition("-")[0]
    requested_urls: list[str] = []
    page.on("request", lambda request: requested_urls.append(request.url))
    for name, (path, status) in visitor.paths().items():
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, name
        assert page.locator("html").get_attribute("lang") == language, name
        assert page.locator("h1").count() == 1, name
        assert page.locator("script").count() == 0, name
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}: wider than {width} px"
        assert violations_of(page) == [], name
    assert page.context.cookies() == []
    assert [url for url in requested_urls if not url.startswith(visitor.url)] == []


def test_an_invalid_form_shows_the_error_and_keeps_the_entered_values(page: Page, visitor: Visitor) -> None:
    page.goto(visitor.form)
    page.locator("form").evaluate("form => form.noValidate = true")
    page.locator("input[type=email]").fill("nobody")
    page.get_by_label("Aquariums").check()
    page.locator("button").click()
    expect(page.locator("[role=alert]").first).to_be_visible()
    assert page.locator("input[type=email]").input_value() == "nobody"
    expect(page.get_by_label("Aquariums")).to_be_checked()
    assert violations_of(page) == []


def test_preferences_can_be_saved_with_the_keyboard_only(browser: Browser, visitor: Visitor) -> None:
    context = browser.new_context(base_url=visitor.url, locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/p/{visitor.token()}")
    page.get_by_label("Aquariums").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("saved=1"))
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_label("Aquariums")).to_be_checked()
    context.close()


def test_a_scanner_that_follows_every_link_changes_nothing(visitor: Visitor) -> None:
    account, contact = visitor.shop.account, f"/v1/contacts/{visitor.contact_id}"

    def state() -> object:
        return account.get("labeling", contact), account.get("labeling", f"{contact}/labels")["items"]

    before = state()
    with httpx.Client(base_url=visitor.url, timeout=30, follow_redirects=True) as scanner:
        for path, _ in visitor.paths().values():
            page = scanner.get(path)
            scanner.head(path)
            for link in re.findall(r'(?:href|action)="(/[^"]*)"', page.text):
                scanner.get(link)
    assert state() == before
