"""Creates the application with everything that the APIs of all services have in common."""

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Any

import asyncpg
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr

from shared.http.bodies import MAX_BODY_BYTES
from shared.http.context import RequestContext
from shared.http.documentation import install_documentation
from shared.http.health import Check, health_router
from shared.http.keys import KeyLookup
from shared.http.limits import RequestLimit
from shared.http.problems import install_problem_handlers
from shared.http.routing import Route
from shared.store.database import Database


class Application(FastAPI):
    """FastAPI that accepts only our own routers."""

    def include_router(self, router: APIRouter, **options: Any) -> None:  # options of FastAPI
        """Include a router. Raises TypeError for one whose routes would have no limits and keys."""
        for route in router.routes:
            if isinstance(route, APIRoute) and not isinstance(route, Route):
                raise TypeError(f"{route.path}: make its router with shared.http.routing.Router")
        super().include_router(router, **options)


def create_app(
    title: str,
    keys: KeyLookup | None,
    database: Database | None = None,
    *,
    description: str = "",
    checks: Sequence[Check] = (),
    operator_key: SecretStr | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    requests_per_second: int | None = None,
    has_health: bool = True,
    has_documentation: bool = True,
) -> Application:
    """Make an application with problems, health, metrics and documentation; the service includes its `Router`s.

    `keys` looks up API keys; None for a service without endpoints that need one. `database` stores `Idempotency-Key`s,
    and is checked for readiness; without it the header is ignored. `checks` are further readiness checks; more may be
    appended to `app.state.checks`. `requests_per_second` limits the requests of an account; None for no limit.
    `has_health` and `has_documentation` can be False for a port that serves other purposes.
    """
    app = Application(
        title=title,
        description=description,
        version=version("penchant"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirected POST would lose its body; a 404 is clearer
    )
    app.router.route_class = Route
    app.state.keys = keys
    app.state.database = database
    app.state.operator_key = operator_key
    app.state.max_body_bytes = max_body_bytes
    app.state.request_limit = RequestLimit(requests_per_second)
    app.state.checks = [*checks]
    if database is not None:
        app.state.checks.append(Check("database", _database_check(database)))
    install_problem_handlers(app)
    app.add_middleware(RequestContext)
    if has_health:
        app.include_router(health_router)
    if has_documentation:
        install_documentation(app)
    return app


def _database_check(database: Database) -> Callable[[], Awaitable[str | None]]:
    async def ask() -> str | None:
        try:
            await database.pool.fetchval("SELECT 1", timeout=1)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return f"PostgreSQL does not answer: {type(error).__name__}"
        return None

    return ask
