"""A client of the four APIs, with the key of the person who is signed in."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
from aiohttp import ClientError, ClientSession, DummyCookieJar, TCPConnector
from httpx_aiohttp import AiohttpTransport

from services.console.settings import ConsoleSettings

Json = dict[str, Any]
ServiceName = Literal["tracking", "labeling", "segmentation", "workflow", "delivery"]

ANSWER_WITHIN = 20.0  # seconds
_CONNECTIONS = 100  # to all services
# httpx-aiohttp leaves some errors of aiohttp as they are, such as that of an answer that is not HTTP.
_UNREACHABLE = (httpx.TransportError, ClientError)
_CONCURRENT_REQUESTS = 8  # of one page


class ApiProblem(Exception):
    """A service answered with a problem."""

    def __init__(self, service: str, status: int, problem: Json) -> None:
        self.service = service
        self.status = status
        self.problem = problem
        super().__init__(f"{service} answered {status}: {self.detail}")

    @property
    def detail(self) -> str:
        """The service's description of the problem."""
        return str(self.problem.get("detail") or self.problem.get("title") or "")

    @property
    def errors(self) -> list[Json]:
        """The errors, each with `pointer` and `detail`."""
        return list(self.problem.get("errors") or [])

    @property
    def uses(self) -> list[Json]:
        """The definitions that use the one that cannot be deleted, each with `kind`, `id` and `name`."""
        return list(self.problem.get("uses") or [])


class Unreachable(Exception):
    """A service does not answer."""

    def __init__(self, service: str) -> None:
        self.service = service
        super().__init__(f"{service} does not answer")


class Platform:
    """Connections to the services, shared by all signed-in people."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._urls: dict[str, str | None] = {
            "tracking": settings.tracking_url,
            "labeling": settings.labeling_url,
            "segmentation": settings.segmentation_url,
            "workflow": settings.workflow_url,
            "delivery": settings.delivery_url,
        }
        # A page sends up to twenty requests, and httpx's own transport would take most of the page's time.
        self._http = httpx.AsyncClient(
            timeout=ANSWER_WITHIN, transport=AiohttpTransport(client=_session, trust_env=False), trust_env=False
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def with_key(self, api_key: str) -> "Api":
        """Return a client with this key."""
        return Api(self, api_key)

    def has(self, service: ServiceName) -> bool:
        """Return whether the service is set up."""
        return self._urls[service] is not None

    async def send(
        self, service: ServiceName, method: str, path: str, api_key: str | None = None, **options: Any
    ) -> httpx.Response:
        """Return the answer, whatever its status. Raises Unreachable."""
        headers = dict(options.pop("headers", None) or {})
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        try:
            return await self._http.request(method, self._url(service, path), headers=headers, **options)
        except _UNREACHABLE as error:
            raise Unreachable(service) from error

    @asynccontextmanager
    async def stream(
        self, service: ServiceName, path: str, api_key: str, **options: Any
    ) -> AsyncIterator[httpx.Response]:
        """Open an answer as a stream. Raises Unreachable, ApiProblem."""
        headers = {"Authorization": f"Bearer {api_key}"}
        timeout = httpx.Timeout(ANSWER_WITHIN, read=None)
        try:
            async with self._http.stream(
                "GET", self._url(service, path), headers=headers, timeout=timeout, **options
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise ApiProblem(service, answer.status_code, _problem(answer))
                yield answer
        except _UNREACHABLE as error:
            raise Unreachable(service) from error

    def _url(self, service: ServiceName, path: str) -> str:
        url = self._urls[service]
        if url is None:
            raise Unreachable(service)
        return url.rstrip("/") + path


class Api:
    """A client of the APIs with one key. All requests raise ApiProblem and Unreachable."""

    def __init__(self, platform: Platform, api_key: str) -> None:
        self._platform = platform
        self._api_key = api_key

    def has(self, service: ServiceName) -> bool:
        """Return whether the service is set up."""
        return self._platform.has(service)

    async def get(self, service: ServiceName, path: str, **parameters: object) -> Json:
        """Return the JSON at `path`; parameters that are None or empty are omitted."""
        body: Json = (await self.send(service, "GET", path, params=_without_empty(parameters) or None)).json()
        return body

    async def text(self, service: ServiceName, path: str, **parameters: object) -> str:
        """Return the text at `path`."""
        return (await self.send(service, "GET", path, params=_without_empty(parameters) or None)).text

    async def find(self, service: ServiceName, path: str, **parameters: object) -> Json | None:
        """Return the JSON at `path`, or None if it is 404."""
        try:
            return await self.get(service, path, **parameters)
        except ApiProblem as problem:
            if problem.status == 404:
                return None
            raise

    async def items(self, service: ServiceName, path: str, **parameters: object) -> list[Json]:
        """Return up to 1,000 items of a list."""
        items: list[Json] = (await self.get(service, path, **{"limit": 1000, **parameters}))["items"]
        return items

    async def all_items(self, service: ServiceName, path: str) -> list[Json]:
        """Return all items of a list, however many there are."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            answer = await self.get(service, path, limit=1000, cursor=cursor)
            items += answer["items"]
            cursor = answer.get("next_cursor")
            if cursor is None:
                return items

    async def post(self, service: ServiceName, path: str, body: object = None, **options: Any) -> Json:
        """POST `body`; return the JSON of the answer, or {} if it is empty."""
        return _json(await self.send(service, "POST", path, **_body(body), **options))

    async def put(self, service: ServiceName, path: str, body: object = None, **options: Any) -> Json:
        """PUT `body`; return the JSON of the answer, or {} if it is empty."""
        return _json(await self.send(service, "PUT", path, **_body(body), **options))

    async def patch(self, service: ServiceName, path: str, body: object, **options: Any) -> Json:
        """PATCH `body`; return the JSON of the answer, or {} if it is empty."""
        return _json(await self.send(service, "PATCH", path, **_body(body), **options))

    async def delete(self, service: ServiceName, path: str, body: object = None, **parameters: object) -> Json:
        """DELETE `path`; return the JSON of the answer, or {} if it is empty."""
        return _json(await self.send(service, "DELETE", path, params=_without_empty(parameters) or None, **_body(body)))

    async def send(self, service: ServiceName, method: str, path: str, **options: Any) -> httpx.Response:
        """Return a successful answer. Raises ApiProblem, Unreachable."""
        answer = await self._platform.send(service, method, path, self._api_key, **options)
        if answer.is_error:
            raise ApiProblem(service, answer.status_code, _problem(answer))
        return answer

    @asynccontextmanager
    async def stream(self, service: ServiceName, path: str) -> AsyncIterator[httpx.Response]:
        """Open an answer as a stream. Raises ApiProblem, Unreachable."""
        async with self._platform.stream(service, path, self._api_key) as answer:
            yield answer

    async def each(self, service: ServiceName, paths: Sequence[str]) -> list[Json | None]:
        """Return the JSON at each path, None if it is 404; sends a few requests concurrently."""
        semaphore = asyncio.Semaphore(_CONCURRENT_REQUESTS)

        async def find(path: str) -> Json | None:
            async with semaphore:
                return await self.find(service, path)

        return list(await asyncio.gather(*(find(path) for path in paths)))


def _session() -> ClientSession:
    return ClientSession(cookie_jar=DummyCookieJar(), connector=TCPConnector(limit=_CONNECTIONS))


def _without_empty(parameters: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None and value != ""}


def _body(body: object) -> dict[str, Any]:
    return {} if body is None else {"json": body}


def _json(answer: httpx.Response) -> Json:
    body: Json = answer.json() if answer.content else {}
    return body


def _problem(answer: httpx.Response) -> Json:
    try:
        body = answer.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"detail": answer.text[:300]}
