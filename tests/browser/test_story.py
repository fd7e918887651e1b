"""The story of the pet shop in Dutch, with the keyboard only: from labels and a newsletter to a campaign's report."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import Visit
from tests.browser.shop import Shop
from tests.scenarios.scene import Account

NEWSLETTER = """<html><body><h1>Lente</h1>
<p><a href="{shop}?hondenvoer">Hondenvoer</a> en <a href="{shop}?krabpaal">Krabpaal</a></p>
</body></html>"""
PEOPLE = "E-mail;interesselabels\nan@winkel.example;\nbram@winkel.example;Katten\n"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WITHIN = 60_000  # milliseconds until the effect of an event is visible


class Keyboard:
    """A user who has a keyboard and no mouse."""

    def __init__(self, visit: Visit, account: Account) -> None:
        self.page = visit.page
        self.shop_url = visit.shop.console.url  # the links of the newsletter point to this machine
        self.home = f"/a/{account.account_id}/"

    def go(self, path: str) -> None:
        self.page.goto(self.home + path)

    def type(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def choose(self, select: Locator, option: str) -> None:
        select.focus()
        select.select_option(label=option)

    def press(self, target: Locator) -> None:
        target.focus()
        self.page.keyboard.press("Enter")


@pytest.fixture
def story(browser: Browser, shop: Shop) -> Iterator[tuple[Keyboard, Account]]:
    account = Account.open(shop.account.scene, "Dierenwinkel")
    visit = Visit(browser, shop, "nl-NL", user_agent=BROWSER)
    visit.sign_in(shop.sign_in_link(account))
    with account:
        yield Keyboard(visit, account), account
    visit.close()


def test_the_whole_story_works_in_dutch_with_the_keyboard_only(story: tuple[Keyboard, Account], tmp_path: Path) -> None:
    keyboard, account = story
    page = keyboard.page

    for name in ("Honden", "Katten"):
        keyboard.go("labels/new")
        keyboard.type("Naam", name)
        keyboard.press(page.get_by_role("button", name="Label maken"))
        expect(page.locator("h1")).to_have_text(name)

    keyboard.go("messages/new")
    page.get_by_label("Naam").focus()
    page.keyboard.insert_text("Lente")
    page.get_by_label("Onderwerp").focus()
    page.keyboard.insert_text("Lente in de winkel")
    page.get_by_label("HTML van de mail").focus()
    page.keyboard.insert_text(NEWSLETTER.format(shop=f"{keyboard.shop_url}/health/live"))
    keyboard.press(page.get_by_role("button", name="Bericht toevoegen"))
    expect(page.locator("h1")).to_have_text("Lente")
    message_id = page.url.rpartition("/")[2]
    link = page.frame_locator("iframe.mail").get_by_role("link", name="Hondenvoer")
    keyboard.press(link)
    expect(page.get_by_role("combobox", name="Labels van link 1")).to_be_focused()
    page.keyboard.insert_text("Honden")
    page.get_by_role("combobox", name="Labels van link 2").focus()
    page.keyboard.insert_text("Katten")
    page.keyboard.press("Escape")
    keyboard.press(page.get_by_role("button", name="Labels bewaren"))
    expect(page.get_by_role("status").first).to_contain_text("2 links")

    file = tmp_path / "mensen.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    keyboard.go("imports")
    page.get_by_label("Een bestand met contacten").set_input_files(file)
    keyboard.press(page.get_by_role("button", name="Uploaden"))
    keyboard.press(page.get_by_role("button", name="Toon wat er zou gebeuren"))
    keyboard.press(page.get_by_role("button", name="Nu importeren"))
    expect(page.locator("h1 ~ .chip, .head .chip")).to_have_text("klaar", timeout=WITHIN)

    contacts = {one["email"]: one["contact_id"] for one in account.get("labeling", "/v1/contacts")["items"]}
    contact = contacts["an@winkel.example"]
    tracked = next(iter(account.tokens(message_id, [contact])[contact]["links"].values()))
    answer = httpx.get(tracked, headers={"User-Agent": BROWSER, "Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 302

    keyboard.go(f"contacts/{contact}")
    why = page.get_by_role("link", name="Waarom Honden?")
    expect(reloaded_until_present(why)).to_be_visible(timeout=WITHIN)
    keyboard.press(why)
    expect(page.locator(".timeline")).to_contain_text('klikte op "Hondenvoer" in "Lente"')

    keyboard.go("segments/new")
    keyboard.type("Naam", "Hondenliefhebbers")
    keyboard.choose(page.get_by_label("Label", exact=True), "Honden")
    expect(page.get_by_text("1 contact", exact=True)).to_be_visible(timeout=WITHIN)
    keyboard.press(page.get_by_role("button", name="Segment maken"))
    expect(page.locator("h1")).to_have_text("Hondenliefhebbers")
    expect(page.get_by_role("link", name="an@winkel.example")).to_be_visible()

    keyboard.go("workflows/new")
    keyboard.type("Naam", "Puppygids")
    keyboard.choose(page.get_by_label("Label", exact=True), "Katten")
    keyboard.choose(page.get_by_label("Bericht", exact=True), "Lente")
    keyboard.press(page.get_by_role("button", name="Bewaren"))
    expect(page.locator("h1")).to_have_text("Puppygids")
    keyboard.press(page.get_by_role("link", name="Activeren…"))
    keyboard.press(page.get_by_role("button", name="Activeren"))
    expect(page.locator(".head .chip")).to_have_text("actief")

    show_to_dog_lovers(keyboard, message_id)
    send_the_campaign(keyboard)
    click_in_the_mail(keyboard)
    keyboard.go("campaigns")
    keyboard.press(page.get_by_role("link", name="Lentecampagne"))
    clicked = page.locator(".numbers a").filter(has_text="Geklikt").locator("strong")
    expect(reloaded_until_text(clicked, "1")).to_have_text("1")
    keyboard.press(page.get_by_role("link", name="Maak een segment van wie klikte"))
    expect(page.locator("h1")).to_have_text("Nieuw segment")


def show_to_dog_lovers(keyboard: Keyboard, message_id: str) -> None:
    """Turn a paragraph of the newsletter into a block with a variant for dog lovers, and preview it as one of them."""
    page = keyboard.page
    keyboard.go(f"messages/{message_id}")
    keyboard.press(page.get_by_role("link", name="Een deel tonen aan…"))
    keyboard.choose(page.get_by_label("Stuk"), "alinea: Hondenvoer en Krabpaal")
    keyboard.type("Naam van de plaats", "hero")
    keyboard.type("Varianten", "honden")
    keyboard.press(page.get_by_role("button", name="Varianten maken"))
    keyboard.choose(page.get_by_label("Label", exact=True), "Honden")
    expect(page.get_by_text("1 contact", exact=True)).to_be_visible(timeout=WITHIN)
    page.get_by_label("Tekst", exact=True).first.focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("Puppyvoer")
    keyboard.press(page.get_by_role("button", name="Bewaren", exact=True))
    expect(page.locator("h1")).to_have_text("Lente")
    keyboard.choose(page.get_by_label("Voorbeeld als"), "honden (hero): an@winkel.example")
    expect(page.frame_locator("iframe.mail").get_by_text("Puppyvoer")).to_be_visible(timeout=WITHIN)


def send_the_campaign(keyboard: Keyboard) -> None:
    """Create a campaign, check its audience, launch it, and wait until it is done."""
    page = keyboard.page
    keyboard.go("campaigns/new")
    keyboard.type("Naam", "Lentecampagne")
    keyboard.choose(page.get_by_label("Bericht", exact=True), "Lente")
    keyboard.choose(page.get_by_label("Label", exact=True), "Honden")
    expect(page.locator("#audience-numbers")).to_contain_text("honden: 1", timeout=WITHIN)
    keyboard.press(page.get_by_role("button", name="Bewaren", exact=True))
    expect(page.locator("h1")).to_have_text("Lentecampagne")
    keyboard.press(page.get_by_role("link", name="Starten…"))
    expect(page.locator("h1")).to_have_text("Lentecampagne starten?")
    keyboard.press(page.get_by_role("button", name="Starten", exact=True))
    expect(page.locator(".head .chip")).to_have_text("klaar", timeout=WITHIN)


def click_in_the_mail(keyboard: Keyboard) -> None:
    """Open the mail in the inbox, and click on its first link as the contact."""
    page = keyboard.page
    page.goto("/inbox")
    keyboard.press(reloaded_until_present(page.get_by_role("link", name="Lente in de winkel")))
    expect(page.frame_locator("iframe.mail").get_by_text("Puppyvoer")).to_be_visible()
    with page.expect_popup() as opened:
        keyboard.press(page.get_by_role("link", name="Puppyvoer"))
    opened.value.wait_for_url("**/health/live?hondenvoer")
    opened.value.close()


def reloaded_until_text(locator: Locator, text: str) -> Locator:
    """Reload the page until the text of the element is `text`."""
    page = locator.page
    for _ in range(60):
        if locator.count() and locator.inner_text() == text:
            return locator
        page.wait_for_timeout(500)
        page.reload()
    return locator


def reloaded_until_present(locator: Locator) -> Locator:
    """Reload the page until the element is present, because a click takes effect asynchronously."""
    page = locator.page
    for _ in range(60):
        if locator.count():
            return locator
        page.wait_for_timeout(500)
        page.reload()
    return locator
