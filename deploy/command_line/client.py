"""The client of the services' APIs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from deploy.command_line.settings import CommandLineSettings, ServiceName

Json = dict[str, Any]

RETRIES_WITHIN = 30.0  # seconds during which a request that is answered with 503 is retried
UPLOAD_TIMEOUT = 600.0  # seconds
CHUNK_BYTES = 262_144


class Unreachable(Exception):
    """A service does not answer."""


class ApiProblem(Exception):
    """A service answered with an error."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        detail = str(problem.get("detail") or problem.get("title") or "no reason given")
        faults = [f"  {fault.get('pointer', '')}: {fault.get('detail', '')}" for fault in problem.get("errors") or []]
        super().__init__("\n".join([f"{status}: {detail}", *faults]))

    @property
    def errors(self) -> list[Json]:
        """The `errors` of the problem, one for each fault."""
        return list(self.problem.get("errors") or [])


class Client:
    """Sends requests with one key; requests to a service that is briefly unavailable are retried."""

    def __init__(self, settings: CommandLineSettings, key: str | None = None) -> None:
        """Use `key` instead of the key in the settings, unless it is None."""
        self._settings = settings
        self._key = key or ("" if settings.api_key is None else settings.api_key.get_secret_value())

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {self._key}"})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def knows(self, service: ServiceName) -> bool:
        """Return whether the URL of the service is known."""
        return self._settings.knows(service)

    async def get(self, service: ServiceName, path: str, **parameters: object) -> Json:
        """Return the JSON at `path`."""
        return self._json(await self._send(service, "GET", path, params=_without_none(parameters)))

    async def post(self, service: ServiceName, path: str, body: object = None, **options: Any) -> Json:
        """POST `body`; return the JSON of the answer."""
        return self._json(await self._send(service, "POST", path, json=body, **options))

    async def put(self, service: ServiceName, path: str, body: object = None) -> Json:
        """PUT `body`; return the JSON of the answer, empty if there is none."""
        return self._json(await self._send(service, "PUT", path, json=body))

    async def delete(self, service: ServiceName, path: str) -> None:
        """DELETE `path`."""
        await self._send(service, "DELETE", path)

    async def post_for_lines(self, service: ServiceName, path: str, body: object) -> list[str]:
        """POST `body`; return the lines of the NDJSON answer."""
        answer = await self._send(service, "POST", path, json=body)
        return [line for line in answer.text.splitlines() if line]

    async def post_file(self, service: ServiceName, path: str, file: Path, **parameters: object) -> Json:
        """Upload a file in chunks; return the JSON of the answer. The upload is not retried."""
        url = self._settings.url(service) + path
        try:
            answer = await self._http.post(
                url, params=_without_none(parameters), content=_chunks(file), timeout=UPLOAD_TIMEOUT
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"{service} at {self._settings.url(service)} does not answer: {error!r}") from error
        if answer.is_error:
            raise ApiProblem(answer.status_code, _problem(answer))
        return self._json(answer)

    async def download(self, service: ServiceName, path: str, file: Path) -> int:
        """Download `path` to a file in chunks; return its size in bytes."""
        url, size = self._settings.url(service) + path, 0
        try:
            async with self._http.stream("GET", url) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise ApiProblem(answer.status_code, _problem(answer))
                with file.open("wb") as output:
                    async for chunk in answer.aiter_bytes():
                        size += output.write(chunk)
        except httpx.HTTPError as error:
            raise Unreachable(f"{service} at {self._settings.url(service)} does not answer: {error!r}") from error
        return size

    async def items(self, service: ServiceName, path: str, **parameters: object) -> AsyncIterator[Json]:
        """Yield every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = await self.get(service, path, limit=1000, cursor=cursor, **parameters)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def _send(self, service: ServiceName, method: str, path: str, **options: Any) -> httpx.Response:
        url = self._settings.url(service) + path
        deadline = asyncio.get_running_loop().time() + RETRIES_WITHIN
        while True:
            try:
                answer = await self._http.request(method, url, **options)
            except httpx.HTTPError as error:
                raise Unreachable(f"{service} at {self._settings.url(service)} does not answer: {error!r}") from error
            wait = min(float(answer.headers.get("retry-after", "1")), 5)
            if answer.status_code != 503 or asyncio.get_running_loop().time() + wait > deadline:
                break
            await asyncio.sleep(wait)
        if answer.status_code == 503:
            raise Unreachable(f"{service} is not ready: {_problem(answer).get('detail', 'no reason given')}")
        if answer.is_error:
            raise ApiProblem(answer.status_code, _problem(answer))
        return answer

    def _json(self, answer: httpx.Response) -> Json:
        found: Json = answer.json() if answer.content else {}
        return found


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            yield chunk
            await asyncio.sleep(0)


def _without_none(parameters: dict[str, object]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _problem(answer: httpx.Response) -> Json:
    try:
        body = answer.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"detail": answer.text[:500]}
