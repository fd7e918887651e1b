"""Redirects to the recipient's own pages, which labeling serves."""

from typing import Annotated

from fastapi import Path
from fastapi.responses import RedirectResponse

from services.tracking.api.service import Service
from shared.http.routing import Router

router = Router(tags=["pages"])
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,119}$")]
HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@router.get("/p/{token}", status_code=302, response_class=RedirectResponse, summary="Redirect to the preference page")
async def preferences(service: Service, token: Token) -> RedirectResponse:
    """Redirect to the page on which the recipient of the token sees and changes its labels."""
    return RedirectResponse(f"{service.preferences_url}/p/{token}", 302, HEADERS)


@router.get("/u/{token}", status_code=302, response_class=RedirectResponse, summary="Redirect to the unsubscribe page")
async def unsubscribe(service: Service, token: Token) -> RedirectResponse:
    """Redirect to the page on which the recipient of the token unsubscribes. One-click POSTs use labeling's URL
    directly."""
    return RedirectResponse(f"{service.preferences_url}/u/{token}", 302, HEADERS)
