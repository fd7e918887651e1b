"""A real browser with the real console and the four services."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.shop import Shop, open_console, open_shop
from tests.conftest import TestKafka, TestPostgres
from tests.scenarios.scene import Scene, services_of
from tests.stack.processes import ServiceProcess, start_all
from tests.stack.sandbox import Sandbox

FOLDER = Path(__file__).parent
TIMEOUT = 30_000  # milliseconds, on a busy machine
# The headless shell runs without its own sandbox, because it opens only pages of the tests.
ARGUMENTS = ("--no-sandbox", "--headless=shell", "--no-zygote", "--disable-gpu", "--font-render-hinting=none")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test enough time to start seven processes and play the demo, even on a busy machine."""
    for item in items:
        if item.path.parent == FOLDER:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="package")
def services(
    kafka: TestKafka, postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Scene, ServiceProcess]]:
    """Provide the four services and the console."""
    sandbox = Sandbox(kafka, postgres, tmp_path_factory.mktemp("browser"))
    started = services_of(sandbox)
    try:
        start_all(started.values())
        scene = Scene(sandbox, started)
        yield scene, open_console(scene)
    finally:
        sandbox.clear()


@pytest.fixture(scope="package")
def shop(services: tuple[Scene, ServiceProcess]) -> Iterator[Shop]:
    """Provide the demo's pet shop, in the console."""
    shop = open_shop(*services)
    with shop.account:
        yield shop


@pytest.fixture(scope="package")
def browser(shop: Shop) -> Iterator[Browser]:
    """Provide the browser.

    It is started after the shop was created, because Playwright runs its own event loop.
    """
    chromium = find_chromium()
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium.program, args=list(ARGUMENTS), env={**chromium.environment}
        )
        yield launched
        launched.close()


class Visit:
    """A signed-in browser context, and the errors of its pages."""

    def __init__(
        self,
        browser: Browser,
        shop: Shop,
        locale: str = "en-GB",
        *,
        scripts: bool = True,
        user_agent: str | None = None,
    ) -> None:
        self.shop = shop
        self.errors: list[str] = []
        self.context: BrowserContext = browser.new_context(
            base_url=shop.console.url, locale=locale, java_script_enabled=scripts, user_agent=user_agent
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(TIMEOUT)
        self.page.on("console", lambda message: self._record(f"{message.type}: {message.text}", message.type))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def sign_in(self, link: str) -> None:
        """Sign in by a link."""
        self.page.goto(link)
        self.page.locator("main button").click()
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def go(self, path: str) -> Page:
        """Open a page of the shop's account; it must answer 200."""
        answer = self.page.goto(self.shop.path + path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return self.page

    def _record(self, text: str, kind: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)

    def close(self) -> None:
        """Close the context, and check that its pages reported no errors."""
        self.context.close()
        assert self.errors == []


@pytest.fixture
def visit(browser: Browser, shop: Shop) -> Iterator[Visit]:
    """Provide a page of a user who is signed in to the shop, in English."""
    opened = Visit(browser, shop)
    opened.sign_in(shop.sign_in_link())
    yield opened
    opened.close()
