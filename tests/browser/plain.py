"""A client for the console without scripts, which reads pages and sends forms over HTTP as a browser would."""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Self

import httpx

from tests.browser.shop import Shop
from tests.scenarios.scene import Account

_TOKEN = re.compile(r'name="token" value="([^"]+)"')


class PlainClient:
    """A client of the console, with the cookies of one user."""

    def __init__(self, console_url: str, language: str = "en") -> None:
        self.http = httpx.Client(
            base_url=console_url, timeout=60, headers={"Origin": console_url, "Accept-Language": language}
        )

    @classmethod
    def signed_in(cls, shop: Shop, *accounts: Account, language: str = "en") -> Self:
        """Sign in as an operator who administers these accounts, by default the shop."""
        client = cls(shop.console.url, language)
        client.sign_in(shop.sign_in_link(*accounts))
        return client

    def sign_in(self, link: str) -> None:
        found = _TOKEN.search(self.http.get(link).text)
        assert found is not None
        assert self.http.post("/sign-in/link", data={"token": unescape(found[1]), "next": "/"}).status_code == 303

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, status: int = 200) -> str:
        """Return the text of a page."""
        answer = self.http.get(path, follow_redirects=True)
        assert answer.status_code == status, f"GET {path}: {answer.status_code} {answer.text[:2000]}"
        return readable(answer.text)

    def post(self, path: str, fields: Mapping[str, str | Sequence[str]], status: int = 303) -> str:
        """Send a form; return the path of the redirect, or the text of the page if the form is shown again."""
        answer = self.http.post(path, data=dict(fields))
        assert answer.status_code == status, f"POST {path}: {answer.status_code} {answer.text[:4000]}"
        return answer.headers["Location"] if status == 303 else readable(answer.text)


def readable(html: str) -> str:
    """Return the text of the main element without tags, with single spaces."""
    body = html.partition('<main id="main"')[2] or html
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
