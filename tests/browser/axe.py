"""The accessibility violations that axe finds on a page."""

import json

from playwright.sync_api import Page

from tests.browser.chromium import axe_source

# Frames are skipped: axe cannot run in a sandboxed frame without scripts, and the mail in it belongs to the customer.
RUN = "axe.run(document, {iframes: false, resultTypes: ['violations']})"


def violations_of(page: Page) -> list[str]:
    """Return the rule and the element of each violation."""
    page.evaluate(f"{axe_source()};0")
    found = page.evaluate(RUN)
    return [
        f"{one['id']}: {json.dumps(node['target'])} {node['html'][:160]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
