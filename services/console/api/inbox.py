"""The inbox of a stack on one machine: the mails that delivery wrote to a folder, for operators to read."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse

from services.console.api.page import NotAllowed, SignedIn
from services.console.api.security import MAIL_POLICY
from services.console.domain.errors import NotFound
from services.console.domain.links import links_in
from services.console.domain.mail import cleaned
from shared.http.routing import Router

router = Router(prefix="/inbox", include_in_schema=False)

_MOST_SHOWN = 100  # mails
_NAME = re.compile(r"[0-9A-Za-z-]+")


@router.get("")
async def inbox(page: SignedIn) -> Response:
    """List the newest mails."""
    paths = sorted(_folder(page).glob("*.eml"), reverse=True)[:_MOST_SHOWN]
    return page.show("inbox.html", mails=[_headers_of(path) for path in paths])


@router.get("/{name}")
async def mail(page: SignedIn, name: str) -> Response:
    """Show a mail."""
    path = _path(page, name)
    links = [(url, text) for url, text in links_in(_html(path)) if url.startswith(("http://", "https://"))]
    return page.show("inbox_mail.html", mail=_headers_of(path), links=links)


@router.get("/{name}/mail")
async def content(page: SignedIn, name: str) -> Response:
    """Return the mail's HTML for the frame, without scripts and external content."""
    policy = MAIL_POLICY.format(pictures="")
    shown = cleaned(_html(_path(page, name)), pictures=False)
    return HTMLResponse(shown, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def _html(path: Path) -> str:
    body = _read(path).get_body(("html", "plain"))
    html = "" if body is None else str(body.get_content())
    if body is not None and body.get_content_type() == "text/plain":
        return "<pre>" + html.replace("&", "&amp;").replace("<", "&lt;") + "</pre>"
    return html


def _folder(page: SignedIn) -> Path:
    folder = page.console.settings.inbox
    if not page.person.is_operator or folder is None:
        raise NotAllowed
    return folder


def _path(page: SignedIn, name: str) -> Path:
    path = _folder(page) / f"{name}.eml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    return path


def _read(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def _headers_of(path: Path) -> dict[str, Any]:
    message = _read(path)
    return {
        "name": path.stem,
        "to": str(message.get("To", "")),
        "from": str(message.get("From", "")),
        "subject": str(message.get("Subject", "")),
        "unsubscribe": str(message.get("List-Unsubscribe", "")),
        "date": message["Date"].datetime if message["Date"] is not None else None,
    }
