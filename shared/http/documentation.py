"""The OpenAPI document, with every problem that an endpoint may answer, and its page, which loads no external files."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from shared.examples import NoExampleError, describe, example_of
from shared.http.problems import MEDIA_TYPE, ProblemDetails
from shared.http.routing import Router

_ASSETS = "/docs/assets"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_OPERATIONS = ("get", "put", "post", "delete", "patch")

_MEANINGS = {
    400: "The body is not JSON.",
    401: "The API key is missing, unknown or revoked.",
    403: "The API key lacks the scope.",
    404: "The thing does not exist in this account.",
    405: "The path does not support this method; `Allow` names those that it supports.",
    408: "The body did not arrive in time.",
    409: "The request conflicts with the present state, or a request with the same Idempotency-Key is in progress.",
    412: "The thing has changed since it was read.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    422: "The request is not valid; `errors` say where and why.",
    429: "Too many requests.",
    503: "A store is unavailable or busy; `Retry-After` says when to retry.",
}
_DESCRIPTION = """

Send an API key as `Authorization: Bearer pk_…`. A key belongs to one account and has scopes: `read` for GET, `write`
for changes, `self` to act on behalf of a contact, and `admin` for everything. No other scope includes another one:
`write` alone does not allow reading. Problems are RFC 9457, `application/problem+json`. Every answer has an
`X-Request-Id`; it is taken from the request if sent, and is the correlation id of the events that the request causes. A
POST with an `Idempotency-Key` is carried out once in 24 hours; repeating it gives the first answer again."""

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Carried out once in 24 hours; repeating it with the same body gives the first answer again.",
}


def install_documentation(app: FastAPI) -> None:
    """Serve `/openapi.json`, `/docs` and what the page needs."""
    assets = files("fastapi_offline") / "static"
    router = Router(include_in_schema=False)

    @router.get("/openapi.json")
    async def openapi() -> dict[str, Any]:
        # Takes a third of a second at the first request.
        return await asyncio.to_thread(document, app)

    @router.get("/")
    async def entrance(request: Request) -> RedirectResponse:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs", 307)

    @router.get("/docs")
    async def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        response = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=app.title,
            swagger_js_url=f"{root}{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_ASSETS}/favicon.png",
        )
        response.headers.update(_page_headers(bytes(response.body).decode()))
        return response

    app.include_router(router)
    app.mount(_ASSETS, StaticFiles(directory=str(assets)), name="documentation-assets")
    app.openapi = lambda: document(app)  # type: ignore[method-assign] # FastAPI's documented way


def _page_headers(page: str) -> dict[str, str]:
    """Return headers that allow the page only its own scripts and this service, and forbid framing it."""
    hashes = " ".join(
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in _INLINE_SCRIPT.findall(page)
    )
    return {
        # Swagger UI uses style attributes and data: images.
        "Content-Security-Policy": f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of `app`; it is generated once."""
    if app.openapi_schema is None:
        openapi = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description + _DESCRIPTION,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = openapi.setdefault("components", {}).setdefault("schemas", {})
        for replaced in ("HTTPValidationError", "ValidationError"):
            schemas.pop(replaced, None)
        schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs"))
        schemas["ProblemDetails"] = schema
        openapi["components"]["responses"] = {_component_name(status): _problem(status) for status in _MEANINGS}
        for method, operation in _operations(openapi):
            _document_problems(method, operation)
            _add_examples(operation, schemas)
        describe(openapi)
        app.openapi_schema = openapi
    return app.openapi_schema


def _operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in openapi.get("paths", {}).values():
        for method in _OPERATIONS:
            if method in path:
                yield method, path[method]


def _document_problems(method: str, operation: dict[str, Any]) -> None:
    parameters = operation.setdefault("parameters", [])
    if method == "post" and "security" in operation:
        parameters.append(_IDEMPOTENCY_KEY)
    responses = operation["responses"]
    for status in _problem_statuses(operation):
        documented = responses.get(str(status))
        if documented is None or "HTTPValidationError" in str(documented):
            responses[str(status)] = {"$ref": f"#/components/responses/{_component_name(status)}"}
        else:
            documented.setdefault("content", _problem(status)["content"])
    headers = {parameter["name"].lower() for parameter in parameters if parameter["in"] == "header"}
    if "if-none-match" in headers and method == "get":
        responses.setdefault("304", {"description": "The thing has not changed."})


def _component_name(status: int) -> str:
    return f"Problem{status}"


def _problem(status: int) -> dict[str, Any]:
    """Return the default description and schema of a status, for endpoints that declare no others."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {"description": _MEANINGS[status], "content": content}


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add an example to the request and to each successful answer, unless they have one."""
    successes = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for part in (operation.get("requestBody", {}), *successes):
        for content in part.get("content", {}).values():
            if "example" not in content and "schema" in content:
                with suppress(NoExampleError):
                    content["example"] = example_of(content["schema"], schemas)


def _problem_statuses(operation: dict[str, Any]) -> list[int]:
    statuses = {404, 405, 409, 422, 429, 503}
    if "security" in operation:
        statuses |= {401, 403}
    if "requestBody" in operation:
        statuses |= {400, 408, 413, 415}
    if any(parameter["name"].lower() == "if-match" for parameter in operation["parameters"]):
        statuses |= {412}
    return sorted(statuses)
