"""Requests that change something are accepted from the console's own pages only."""

import pytest
from starlette.datastructures import Headers

from services.console.api.security import comes_from_here

HERE = "https://console.example"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": HERE}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": HERE}, True),
        ({"origin": "http://127.0.0.1:8100", "host": "127.0.0.1:8100"}, True),
        ({"origin": "https://evil.example", "host": "console.example"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_requests_from_own_pages_are_allowed(headers: dict[str, str], allowed: bool) -> None:
    assert comes_from_here(Headers(headers), HERE) is allowed
