"""Hostile content is harmless, and actions without permission are refused."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.shop import Shop

HOSTILE = (Path(__file__).parent / "hostile.html").read_text(encoding="utf-8")
NAME = "<script>window.harm=7</script>"


def test_a_hostile_mail_cannot_run_scripts_load_resources_or_navigate(visit: Visit, shop: Shop) -> None:
    message = shop.account.message(HOSTILE, "Hostile")
    requested_urls: list[str] = []
    visit.page.on("request", lambda request: requested_urls.append(request.url))
    page = visit.go(f"messages/{message['id']}")
    frame = page.frame_locator("iframe.mail")
    expect(frame.get_by_text("over all")).to_be_visible()
    assert page.evaluate("window.harm") is None
    assert [url for url in requested_urls if not url.startswith(shop.console.url)] == []
    # The mail may cover its own links, but nothing outside its frame: a click that reaches the link selects it.
    frame.get_by_text("Dogs").dispatch_event("click")
    expect(page.locator(".link-item.chosen")).to_contain_text("https://shop.example/dogs")
    assert frame.locator("form, input, script, iframe, [onload], [onclick]").count() == 0
    assert page.url.startswith(shop.console.url)
    # The browser logs only that it blocked the mail's scripts.
    assert all("Blocked script execution" in error for error in visit.errors)
    visit.errors.clear()


def test_names_are_shown_as_text(visit: Visit, shop: Shop) -> None:
    label = shop.account.post("labeling", "/v1/labels", {"name": NAME})
    page = visit.go(f"labels/{label['id']}")
    expect(page.locator("h1")).to_have_text(NAME)
    visit.go("labels")
    expect(page.get_by_role("link", name=NAME)).to_be_visible()
    assert page.evaluate("window.harm") is None


def test_a_reader_sees_no_buttons_for_changes_and_is_refused(browser: Browser, visit: Visit, shop: Shop) -> None:
    page = visit.go("settings")
    page.get_by_text("Invite somebody").click()
    page.get_by_label("Their name").fill("Rik")
    page.get_by_label("Their e-mail address").fill("rik@shop.example")
    page.locator("#people").get_by_label("Role", exact=True).select_option("read")
    page.get_by_role("button", name="Invite", exact=True).click()
    link = page.get_by_label("Link of the invitation").input_value()
    reader = Visit(browser, shop)
    reader.page.goto(link)
    reader.page.get_by_role("button", name="Accept").click()
    reader.page.wait_for_url(re.compile(r"/a/\d+/$"))
    reader.go("labels")
    assert reader.page.get_by_role("link", name="New label").count() == 0
    answer = reader.page.goto(f"{shop.path}labels/new")
    assert answer is not None
    assert answer.status == 403
    expect(reader.page.locator("h1")).to_have_text("You do not have permission")
    reader.errors.clear()  # the browser logs the status 403
    reader.close()


def test_a_cross_site_request_is_refused(visit: Visit, shop: Shop) -> None:
    answer = visit.context.request.post(
        f"{shop.console.url}{shop.path}labels/new",
        form={"name": "Forged"},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    )
    assert answer.status == 403


def test_signing_out_everywhere_ends_every_session(browser: Browser, shop: Shop) -> None:
    first, second = Visit(browser, shop), Visit(browser, shop)
    for visit in (first, second):
        visit.sign_in(shop.sign_in_link())
    first.page.goto("/me")
    first.page.get_by_role("button", name="Sign out everywhere").click()
    second.page.goto(shop.path)
    expect(second.page.locator("h1")).to_have_text("Sign in")
    first.close()
    second.close()


def test_a_sign_in_link_works_only_once(browser: Browser, shop: Shop) -> None:
    link = shop.sign_in_link()
    first, second = Visit(browser, shop), Visit(browser, shop)
    first.sign_in(link)
    answer = second.page.goto(link)
    assert answer is not None
    assert answer.status == 410
    second.errors.clear()
    first.close()
    second.close()
