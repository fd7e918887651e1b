"""Take the pictures of README and documentation: `python -m tests.browser.screenshots [FOLDER]`.

It starts its own servers and services, plays the demo, and opens one page of each kind. FOLDER is
`docs/images` by default.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.bench.place import make_place
from tests.browser.chromium import find_chromium
from tests.browser.shop import Shop, open_console, open_shop
from tests.scenarios.scene import Scene, services_of
from tests.stack.processes import start_all

ARGUMENTS = ("--no-sandbox", "--headless=shell", "--no-zygote", "--disable-gpu", "--font-render-hinting=none")
IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE = ViewportSize(width=1280, height=800)
PAGES = {
    "home": "",
    "messages": "messages/{arrivals}",
    "contacts": "contacts/{contact}",
    "segments": "segments/{segment}/edit",
    "workflows": "workflows/{workflow}",
    "campaigns": "campaigns/{campaign}",
}


def take_pictures(shop: Shop, folder: Path) -> None:
    """Sign in to the demo's account, and take a picture of a page of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program, args=list(ARGUMENTS), env={**chromium.environment}
        )
        context = browser.new_context(base_url=shop.console.url, locale="en-GB", viewport=SIZE)
        page = context.new_page()
        page.goto(shop.sign_in_link())
        page.locator("main button").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        for name, path in PAGES.items():
            page.goto(shop.path + path.format(**shop.ids))
            _take(page, folder / f"console-{name}.png")
        browser.close()


def _take(page: Page, path: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path)


def main(folder: Path) -> None:
    """Start everything, play the demo, take the pictures, and stop everything."""
    with make_place() as place:
        sandbox = place.service_sandbox()
        started = services_of(sandbox)
        try:
            start_all(started.values())
            scene = Scene(sandbox, started)
            shop = open_shop(scene, open_console(scene))
            with shop.account:
                take_pictures(shop, folder)
        finally:
            sandbox.clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
