"""Routes: the steps before an endpoint. Nothing is done for a client before its key is checked.

First the key, then the body within its limits, then JSON, then `Idempotency-Key`; then FastAPI's validation and the
endpoint.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute

from shared.http.batches import item_adapter, validate_items
from shared.http.bodies import JsonRequest
from shared.http.idempotency import HEADER, answer_once, check_key
from shared.http.keys import Caller, Requirement
from shared.http.pointers import FieldError
from shared.http.problems import Problem
from shared.pointers import pointer_of

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Route(APIRoute):
    """A route with limits, keys and problems. An endpoint that takes the `Request` gets a `JsonRequest`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # options of FastAPI
        super().__init__(path, endpoint, **options)
        scopes = sorted({scope for requirement in _requirements(self.dependant) for scope in requirement.scopes})
        if scopes:
            needs = " and ".join(f"`{scope}`" for scope in scopes)
            self.description = f"{self.description}\n\nNeeds a key with the scope {needs}.".strip()
        if any(requirement.pipeline for requirement in _requirements(self.dependant)):
            self.description += (
                " The scope `pipeline` is accepted too, with the account in the header `Penchant-Account`."
            )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, preceded by the steps of this module."""
        endpoint = super().get_route_handler()
        requirements = list(_requirements(self.dependant))
        reads_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)
        may_be_empty = self.body_field is not None and not self.body_field.field_info.is_required()
        items = None if self.body_field is None else item_adapter(self.body_field.field_info.annotation)
        is_post = "POST" in (self.methods or ())

        async def handle(request: Request) -> Response:
            json_request = JsonRequest(request.scope, request.receive)
            json_request.max_body_bytes = request.app.state.max_body_bytes
            for requirement in requirements:
                await requirement(json_request)
            _refuse_nul(json_request)
            if is_post:
                check_key(json_request)
            if reads_json and (await json_request.load() or not may_be_empty):
                body = await json_request.json()
                if items is not None:
                    json_request.replace_json(await validate_items(items, body))
            caller: Caller | None = getattr(request.state, "caller", None)
            database = request.app.state.database
            keeps_answer = is_post and not getattr(self.endpoint, "streams_body", False)
            if keeps_answer and HEADER in request.headers and caller is not None and database is not None:
                return await answer_once(json_request, endpoint, database)
            return await endpoint(json_request)

        return handle


def streams_body(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint that reads its body itself, in chunks: `Idempotency-Key` is ignored there.

    Comparing the bodies of two requests would require both in memory.
    """
    endpoint.streams_body = True  # type: ignore[attr-defined]
    return endpoint


class Router(APIRouter):
    """A router whose routes are `Route`s, for all endpoints of services."""

    def __init__(self, **options: Any) -> None:  # options of APIRouter
        super().__init__(**{"route_class": Route, **options})


def _requirements(dependant: Dependant) -> Iterator[Requirement]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Requirement):
            yield dependency.call
        yield from _requirements(dependency)


def _refuse_nul(request: Request) -> None:
    """Refuse U+0000, which PostgreSQL cannot store, in paths and queries; `bodies` does so in bodies."""
    places = [("path", name, str(value)) for name, value in request.path_params.items()]
    if "%00" in request.url.query or "\0" in request.url.query:
        places += [("query", name, value) for name, value in parse_qsl(request.url.query, keep_blank_values=True)]
    errors = [
        FieldError(pointer_of((place, name)), "Text must not contain the character U+0000")
        for place, name, value in places
        if "\0" in value or "\0" in name
    ]
    if errors:
        raise Problem(422, "The request is not valid; see errors.", errors=errors)
