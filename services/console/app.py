"""The console's wiring."""

import asyncio
import signal
import sys
from collections.abc import Callable

import structlog
import uvloop
from pydantic import ValidationError
from starlette.middleware.gzip import GZipMiddleware

from services.console.api.accounts import Accounts
from services.console.api.builder import RecentChoices
from services.console.api.problems import install_error_pages
from services.console.api.rendering import environment
from services.console.api.routers import ROUTERS
from services.console.api.security import Guard
from services.console.api.state import Console
from services.console.api.static import install_static_files
from services.console.apis.client import Platform
from services.console.apis.features import Features
from services.console.settings import ConsoleSettings
from services.console.store import MIGRATIONS
from services.console.use_cases.vault import Vault
from shared.http.app import Application, create_app
from shared.http.documentation import install_documentation
from shared.http.server import PortTakenError, serve
from shared.logs import configure_logging
from shared.retrying import until_it_works
from shared.runtime.waiting import WaitingRoom
from shared.store.database import Database
from shared.store.errors import is_passing
from shared.tracing import configure_tracing, stop_tracing

log = structlog.get_logger()

FAILED, PORT_TAKEN = 70, 73  # exit codes, the same as those of services


def make_app(settings: ConsoleSettings, database: Database, platform: Platform) -> Application:
    """Return the application with all pages."""
    app = create_app(
        "Penchant console",
        None,
        database,
        description="The web application for people. It is a client of the four APIs.",
        operator_key=settings.operator_key,
        has_documentation=False,
    )
    app.state.console = Console(settings, database, platform, Vault(settings.console_secret))
    app.state.accounts = Accounts()
    app.state.choices = RecentChoices()
    app.state.features = Features(platform)
    environment()
    install_error_pages(app)
    install_static_files(app)
    for router in ROUTERS:
        app.include_router(router)
    install_documentation(app)  # after the pages, because it also answers `/`
    app.add_middleware(Guard, base_url=settings.base_url)
    app.add_middleware(GZipMiddleware, minimum_size=1000)  # does not compress streams of events
    return app


def main() -> None:
    """Run a process of the console until SIGTERM or SIGINT, then exit: 0, 2 for invalid settings, or 70 or 73."""
    try:
        settings = ConsoleSettings()
    except ValidationError as error:
        sys.stderr.write(f"console: the settings are not valid\n{error}\n")
        sys.exit(2)
    configure_logging("console", settings.log_level)
    configure_tracing("console", settings.otlp_endpoint)
    try:
        sys.exit(uvloop.run(_run(settings)))
    finally:
        stop_tracing()


async def _run(settings: ConsoleSettings) -> int:
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    platform = Platform(settings)
    try:
        database = await _open_database(settings, stop)
        if database is None:
            return 0
        try:
            await serve(
                make_app(settings, database, platform),
                settings.host,
                settings.console_port,
                stop=stop,
                trusted_proxies=[proxy.strip() for proxy in settings.trusted_proxies.split(",") if proxy.strip()],
                listening=lambda port: log.info("listening", port=port),
            )
        finally:
            await database.close()
    except PortTakenError as error:
        log.critical("port taken", reason=str(error))
        return PORT_TAKEN
    except Exception:
        log.critical("failed", exc_info=True)
        return FAILED
    finally:
        await platform.close()
    return 0


async def _open_database(settings: ConsoleSettings, stop: asyncio.Event) -> Database | None:
    """Return the database once PostgreSQL answers; None when the console is stopped before that."""
    failures: list[BaseException] = []
    waiting = WaitingRoom("Penchant console", settings, [settings.console_port], _failure_recorder(failures, stop))
    try:
        opening = asyncio.create_task(
            until_it_works(
                "PostgreSQL", lambda: _open_and_migrate(settings), is_passing, lambda: waiting.wait_for("PostgreSQL")
            )
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if opening.done():
            return opening.result()
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    finally:
        await waiting.close()
    if failures:
        raise failures[0]
    return None


async def _open_and_migrate(settings: ConsoleSettings) -> Database:
    database = await Database.open(settings.console_database.get_secret_value())
    try:
        await database.migrate([MIGRATIONS])
    except BaseException:
        await database.close()
        raise
    return database


def _failure_recorder(failures: list[BaseException], stop: asyncio.Event) -> Callable[[BaseException], None]:
    def record(error: BaseException) -> None:
        failures.append(error)
        stop.set()

    return record
