"""Sign-in links by mail, with a real mail server and a real database."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from deploy.embedded.ports import free_port
from services.console.api import sign_in
from services.console.apis.client import Platform
from services.console.app import make_app
from services.console.settings import ConsoleSettings
from services.console.store import MIGRATIONS, people
from services.console.store.invitations import Invitation, insert_invitation
from services.console.use_cases.tokens import hash_of
from shared.http.allowance import Allowance
from shared.store.database import Database

URL = "http://console.example"
LINK = re.compile(r"http://console\.example(/sign-in/\S+)")


@dataclass
class MailServer:
    """Accepts mails, or refuses all of them."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd requires
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Store a mail, or refuse it."""
        if self.refuses:
            return "550 5.7.1 not from you"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos[0], mail))
        return "250 OK"

    def link(self) -> str:
        """Return the path of the link in the last mail."""
        found = LINK.search(self.mails[-1][1].get_content())
        assert found is not None
        return found[1]


@pytest.fixture
def server() -> Iterator[tuple[MailServer, int]]:
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield server, controller.port
    controller.stop()


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (MIGRATIONS,)


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(migrated_dsn)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def browser(
    database: Database, migrated_dsn: str, server: tuple[MailServer, int], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """Provide a browser that is not signed in; the limits of requests are reset for each test."""
    monkeypatch.setattr(sign_in, "BY_CLIENT", Allowance(per_minute=20))
    monkeypatch.setattr(sign_in, "BY_ADDRESS", Allowance(per_minute=3))
    settings = ConsoleSettings(
        console_database=SecretStr(migrated_dsn),
        console_secret=SecretStr("a-secret-of-the-tests-that-is-long-enough"),
        console_url=URL,
        smtp=SecretStr(f"smtp://127.0.0.1:{server[1]}"),
    )
    platform = Platform(settings)
    transport = httpx.ASGITransport(make_app(settings, database, platform))
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers={"Origin": URL}) as client:
        yield client
    await platform.close()


async def add_person(database: Database, email: str, language: str | None = None) -> UUID:
    person_id = uuid4()
    await people.insert_person(database.pool, person_id, "Lies", email, is_operator=False)
    await people.update_preferences(database.pool, person_id, "Lies", language, "system")
    return person_id


async def request_link(browser: httpx.AsyncClient, email: str, following: str = "/") -> httpx.Response:
    return await browser.post("/sign-in", data={"email": email, "next": following})


async def use_link(browser: httpx.AsyncClient, link: str) -> httpx.Response:
    token = link.removeprefix("/sign-in/").partition("?")[0]
    return await browser.post("/sign-in/link", data={"token": token, "next": "/me"})


@pytest.mark.asyncio
async def test_a_mailed_link_signs_in_once(
    browser: httpx.AsyncClient, database: Database, server: tuple[MailServer, int]
) -> None:
    await add_person(database, "lies@shop.example", "nl")
    assert "Mail me a link" in (await browser.get("/sign-in")).text
    answer = await request_link(browser, "LIES@shop.example", "/a/7/labels")
    assert answer.status_code == 200
    [(recipient, mail)] = server[0].mails
    # The mail goes to the stored address, in the language that the person has chosen.
    assert (recipient, mail["To"], mail["Subject"]) == (
        "lies@shop.example",
        "lies@shop.example",
        "Aanmelden bij Penchant",
    )
    assert mail["Date"] is not None
    assert mail["Message-ID"].endswith("@console.example>")
    link = server[0].link()
    assert link.endswith("?next=/a/7/labels")
    # Programs that only open links must not invalidate this one.
    assert [(await browser.get(link)).status_code for _ in range(2)] == [200, 200]
    signed_in = await use_link(browser, link)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/me")
    assert "Lies" in (await browser.get("/me")).text
    assert (await use_link(browser, link)).status_code == 410
    assert (await browser.get(link)).status_code == 410


@pytest.mark.asyncio
async def test_a_link_expires_after_an_hour(
    browser: httpx.AsyncClient, database: Database, server: tuple[MailServer, int]
) -> None:
    await add_person(database, "lies@shop.example")
    await request_link(browser, "lies@shop.example")
    left = await database.pool.fetchval("SELECT expires_at - now() FROM sign_in_links")
    assert 3500 < left.total_seconds() <= 3600
    await database.pool.execute("UPDATE sign_in_links SET expires_at = now()")
    assert (await use_link(browser, server[0].link())).status_code == 410


@pytest.mark.asyncio
async def test_the_response_does_not_reveal_whether_an_address_is_known(
    browser: httpx.AsyncClient, database: Database, server: tuple[MailServer, int]
) -> None:
    await add_person(database, "lies@shop.example")
    known = await request_link(browser, "lies@shop.example")
    unknown = await request_link(browser, "nobody@shop.example")
    server[0].refuses = True
    refused = await request_link(browser, "lies@shop.example")
    assert known.text == unknown.text == refused.text
    assert known.status_code == unknown.status_code == refused.status_code == 200
    assert [recipient for recipient, _ in server[0].mails] == ["lies@shop.example"]
    # No mail is sent to an address that only contains a known one.
    await request_link(browser, "LIES@shop.example\r\nBcc: eve@evil.example")
    assert len(server[0].mails) == 1


@pytest.mark.asyncio
async def test_requests_for_links_are_limited(
    browser: httpx.AsyncClient, database: Database, server: tuple[MailServer, int]
) -> None:
    await add_person(database, "lies@shop.example")
    for email in ("lies@shop.example", "nobody@shop.example"):
        assert [(await request_link(browser, email)).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert len(server[0].mails) == 3
    statuses = [(await request_link(browser, f"somebody{number}@shop.example")).status_code for number in range(13)]
    assert statuses == [200] * 12 + [429]


@pytest.mark.asyncio
async def test_an_invitation_does_not_sign_in_an_existing_person(
    browser: httpx.AsyncClient, database: Database, server: tuple[MailServer, int]
) -> None:
    inviter = await add_person(database, "admin@shop.example")
    await add_person(database, "lies@shop.example")
    invitation = Invitation(uuid4(), 7, "read", "Lies@shop.example", "Lies", uuid4(), b"encrypted")
    soon = await database.pool.fetchval("SELECT now() + interval '1 day'")
    await insert_invitation(database.pool, invitation, hash_of("a-token"), inviter, soon)
    answer = await browser.post("/invitation/a-token", data={"name": "Eve"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/invitation/a-token")
    assert "set-cookie" not in answer.headers
    # The invited person may accept it after signing in.
    await request_link(browser, "lies@shop.example", "/invitation/a-token")
    assert server[0].link().endswith("?next=/invitation/a-token")
    await use_link(browser, server[0].link())
    accepted = await browser.post("/invitation/a-token", data={})
    assert (accepted.status_code, accepted.headers["location"]) == (303, "/a/7/")
