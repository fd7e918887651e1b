"""The cookies: the session, and one message for the next page."""

import base64
import json

from fastapi import Request, Response

from services.console.settings import ConsoleSettings

_SESSION = "penchant_session"
_NOTICE = "penchant_notice"
_SESSION_SECONDS = 14 * 24 * 3600


def session_cookie(settings: ConsoleSettings) -> str:
    """Return the name of the session's cookie; `__Host-` where there is TLS, so that no other host can set it."""
    return f"__Host-{_SESSION}" if settings.is_secure else _SESSION


def set_session(response: Response, settings: ConsoleSettings, token: str) -> None:
    """Set the cookie of a session."""
    response.set_cookie(
        session_cookie(settings),
        token,
        max_age=_SESSION_SECONDS,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def clear_session(response: Response, settings: ConsoleSettings) -> None:
    """Delete the cookie of the session."""
    response.delete_cookie(session_cookie(settings), path="/", secure=settings.is_secure, httponly=True, samesite="lax")


def set_notice(response: Response, text: str, kind: str = "done") -> None:
    """Set a message for the next page; `kind` is its style."""
    encoded = base64.urlsafe_b64encode(json.dumps([kind, text]).encode()).decode()
    response.set_cookie(_NOTICE, encoded, max_age=60, path="/", httponly=True, samesite="lax")


def notice_of(request: Request) -> tuple[str, str] | None:
    """Return the kind and the text of the message for this page, or None."""
    encoded = request.cookies.get(_NOTICE)
    if not encoded:
        return None
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(encoded))
    except ValueError:
        return None
    return str(kind), str(text)


def clear_notice(response: Response) -> None:
    """Delete the message after it was shown."""
    response.delete_cookie(_NOTICE, path="/", httponly=True, samesite="lax")
