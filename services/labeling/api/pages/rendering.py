"""Renders pages: templates, texts by language, the account's brand, and headers that forbid foreign content."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.labeling.api.pages.texts import texts_of
from services.labeling.domain.accounts import Account
from services.labeling.domain.pages import page_language, readable
from shared.http.bodies import JsonRequest

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True, slots=True)
class View:
    """The language of a page, and its account."""

    language: str
    account: Account | None = None

    @classmethod
    def of(cls, request: JsonRequest, account: Account | None = None, language: str | None = None) -> "View":
        """Return the view for a request; `language` is the preferred one, such as the contact's."""
        languages = account.settings.languages if account is not None else ()
        return cls(page_language(language, request.headers.get("accept-language", ""), languages), account)

    @property
    def brand(self) -> str:
        """The name of the account that contacts see; empty without an account."""
        if self.account is None:
            return ""
        return self.account.settings.brand.name if self.account.settings.brand is not None else self.account.name

    def text(self, key: str, **values: object) -> str:
        """Return a text in the page's language."""
        return texts_of(self.language)[key].format(brand=self.brand, **values)

    def date(self, moment: datetime) -> str:
        """Return the day of a time in the account's time zone, in the format of the language."""
        zone = ZoneInfo(self.account.time_zone) if self.account is not None else ZoneInfo("UTC")
        return format_date(moment.astimezone(zone).date(), format="long", locale=self.language)

    def page(
        self,
        template: str,
        title: str,
        *,
        status: int = 200,
        notice: str | None = None,
        embeddable: bool = False,
        **values: Any,
    ) -> HTMLResponse:
        """Render a template; `values` are its own variables. `embeddable`: other sites may show it in a frame."""
        brand = self.account.settings.brand if self.account is not None else None
        style = _style(brand.colour if brand is not None else None)
        variables: dict[str, Any] = {
            "language": self.language,
            "brand": self.brand,
            "logo": brand.logo_url if brand is not None else None,
            "address": brand.postal_address if brand is not None else None,
            "style": Markup(style),  # noqa: S704 - the project's own file, and a colour that was checked
            "title": title,
            "notice": notice,
            "lines": [],
            "link": None,
            "t": self.text,
        }
        html = _TEMPLATES.get_template(template).render(variables | values)
        return HTMLResponse(html, status, _headers(style, embeddable=embeddable))

    def message(self, title: str, *lines: str, status: int = 200, link: tuple[str, str] | None = None) -> HTMLResponse:
        """Render a page with a title and lines, given by the keys of their texts; `link` is (href, key of its text)."""
        shown_link = None if link is None else {"href": link[0], "text": self.text(link[1])}
        return self.page(
            "page.html", self.text(title), status=status, lines=[self.text(line) for line in lines], link=shown_link
        )


@lru_cache(maxsize=256)
def _style(colour: str | None) -> str:
    css = (_FOLDER / "page.css").read_text(encoding="utf-8")
    return f":root{{--brand:{readable(colour)}}}\n{css}"


def _headers(style: str, *, embeddable: bool) -> dict[str, str]:
    digest = b64encode(sha256(style.encode()).digest()).decode()
    ancestors = "*" if embeddable else "'none'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src https:; form-action 'self'; base-uri 'none'; "
            f"frame-ancestors {ancestors}"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }
