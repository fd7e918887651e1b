"""Take the pictures of the README: `python -m tests.browser.screenshots LINK FOLDER`.

LINK is what `penchant console` prints while the demo's account exists; its account is the last one of the person.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium

ARGUMENTS = ("--no-sandbox", "--headless=shell", "--no-zygote", "--disable-gpu", "--font-render-hinting=none")
LISTS = ("messages", "workflows", "contacts", "campaigns")


def main(link: str, folder: Path) -> None:
    """Sign in, open the first thing of each list, and take its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program, args=list(ARGUMENTS), env={**chromium.environment}
        )
        context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.goto(link)
        page.locator("main button").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.locator(".numbers a").filter(has_text="demo").last.click()
        home = page.url
        for name in LISTS:
            page.goto(home + name)
            page.locator("#list tbody tr").last.get_by_role("link").first.click()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / f"console-{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
