"""Static files, kept by browsers for a year: their URL changes with their content."""

from fastapi import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route as Plain

from services.console.api.rendering import STATIC, asset
from shared.http.app import Application
from shared.http.problems import Problem

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_IMMUTABLE = "public, max-age=31536000, immutable"


def install_static_files(app: Application) -> None:
    """Serve `/static/<digest>/<name>` and the icon."""
    app.router.routes.append(Plain("/static/{digest}/{name:path}", _file))
    app.router.routes.append(Plain("/favicon.ico", _icon))


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    path = (STATIC / name).resolve()
    if not path.is_relative_to(STATIC) or path.suffix not in _TYPES or not path.is_file():
        raise Problem(404, "This file does not exist.")
    is_current = request.url.path == asset(name)
    return FileResponse(
        path,
        media_type=_TYPES[path.suffix],
        headers={"Cache-Control": _IMMUTABLE if is_current else "no-cache"},
    )


async def _icon(_request: Request) -> Response:
    return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})
