"""Endpoints for liveness, readiness and metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, NamedTuple

from fastapi import Request, Response
from pydantic import BaseModel, Field

from shared.http.problems import Problem, problem_response
from shared.http.routing import Router
from shared.metrics import CONTENT_TYPE, exposition

CHECK_TIMEOUT = 2.0  # seconds


class Check(NamedTuple):
    """A dependency of the service: `ask` returns None if the dependency is ready, otherwise the reason."""

    name: str
    ask: Callable[[], Awaitable[str | None]]


class Alive(BaseModel):
    """The process answers."""

    status: Annotated[str, Field(description="Always `alive`.", examples=["alive"])] = "alive"


class CheckResult(BaseModel):
    """The result of one check; `reason` is null if the dependency is ready."""

    name: Annotated[str, Field(description="The dependency.", examples=["database"])]
    ready: Annotated[bool, Field(description="Whether it is ready.", examples=[True])]
    reason: Annotated[str | None, Field(description="Why it is not ready.")] = None


class Readiness(BaseModel):
    """Whether the service can do its work, and why not."""

    status: Annotated[str, Field(description="Always `ready`; a service that is not answers 503.", examples=["ready"])]
    checks: Annotated[list[CheckResult], Field(description="What the service depends on.")]


health_router = Router(tags=["operations"])


@health_router.get("/health/live", summary="Does the process answer?")
async def live() -> Alive:
    """Answer without any checks: a supervisor restarts a process that does not answer."""
    return Alive()


@health_router.get("/health/ready", summary="Can the service do its work?", response_model=Readiness)
async def ready(request: Request) -> Readiness | Response:
    """Check the service's dependencies; 503 with the reasons if it cannot do its work."""
    checks: Sequence[Check] = request.app.state.checks
    results = list(await asyncio.gather(*(_result(check) for check in checks)))
    if all(result.ready for result in results):
        return Readiness(status="ready", checks=results)
    reasons = "; ".join(f"{result.name}: {result.reason}" for result in results if not result.ready)
    more = {"checks": [result.model_dump() for result in results]}
    return problem_response(Problem(503, reasons, headers={"Retry-After": "1"}, more=more))


@health_router.get("/metrics", summary="Prometheus metrics", response_class=Response, include_in_schema=False)
async def metrics() -> Response:
    """Return all metrics of this process, in Prometheus' text format."""
    return Response(exposition(), media_type=CONTENT_TYPE)


async def _result(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            reason = await check.ask()
    except TimeoutError:
        reason = f"no answer within {CHECK_TIMEOUT:g} s"
    except Exception as error:  # noqa: BLE001 # any error means that the service is not ready
        reason = type(error).__name__
    return CheckResult(name=check.name, ready=reason is None, reason=reason)
