"""Sends queued mails: claim, prepare, check permission again, hand over, store the outcome."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog

from services.delivery.clients.mail_server import MailRefused, MailServerConnection, NotReached, Uncertain
from services.delivery.domain.outcomes import Ending, retry_after
from services.delivery.domain.permission import Recipient, must_wait, reason_to_skip
from services.delivery.settings import MailServer
from services.delivery.store.mails import Mail, begin_mail, claim_mails, end_interrupted, end_mail, retry_mail
from services.delivery.use_cases.metrics import MAILS
from services.delivery.use_cases.pace import RateLimit
from services.delivery.use_cases.preparing import Prepared, Preparing
from shared.retrying import until_it_works
from shared.store.database import Database
from shared.store.errors import is_passing
from shared.waking import woken_within

log = structlog.get_logger()

AT_ONCE = 500  # mails in one claim
CHECK_INTERVAL = 1.0  # seconds between checks of the queue without a wake-up
INTERRUPTED_CHECK_INTERVAL = 10.0  # seconds between checks for mails of processes that have ended
PAUSED_CAMPAIGN_DELAY = timedelta(seconds=5)

CampaignState = Callable[[UUID | None], str | None]


def has_new_address(recipient: Recipient | None, prepared: Prepared) -> bool:
    """Return whether the contact's address differs from the one that the mail was prepared for."""
    is_to_contact = prepared.mail.request.test_address is None
    return is_to_contact and recipient is not None and recipient.email != prepared.recipient


class Sending:
    """Sends the mails of one process.

    Several processes may run concurrently: each claims its own mails. A claim expires after `lease`, or after twice as
    long for a mail that is being handed over. That must be longer than a mail server may take for one mail: five
    replies of up to a minute each.
    """

    def __init__(
        self,
        database: Database,
        preparing: Preparing,
        server: MailServer,
        campaign_state: CampaignState,
        *,
        per_second: float,
        connections: int,
        repeats_uncertain: bool,
        lease: timedelta,
    ) -> None:
        self._database = database
        self._preparing = preparing
        self._server = server
        self._campaign_state = campaign_state
        self._rate_limit = RateLimit(per_second)
        self._connections = connections
        self._repeats_uncertain = repeats_uncertain
        self._lease = lease
        self._claim_limit = max(1, min(AT_ONCE, int(per_second * lease.total_seconds() / 4)))
        self._wake = asyncio.Event()
        self._ready: asyncio.Queue[Prepared] = asyncio.Queue(maxsize=connections * 2)

    def wake(self) -> None:
        """Make `run` check the queue now."""
        self._wake.set()

    async def run(self) -> None:
        """Send until the process ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_repeatedly(self._claim))
            group.create_task(self._run_repeatedly(self._end_interrupted))
            for _ in range(self._connections):
                group.create_task(self._send_prepared_mails())

    async def _run_repeatedly(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await until_it_works("delivery", work, is_passing)

    async def _claim(self) -> None:
        mails = await claim_mails(self._database.pool, uuid4(), self._lease, self._claim_limit)
        if mails:
            async for prepared in self._preparing.prepare(mails):
                await self._ready.put(prepared)
            return
        self._wake.clear()
        await woken_within(self._wake, CHECK_INTERVAL)

    async def _end_interrupted(self) -> None:
        count = await end_interrupted(self._database.pool, repeat=self._repeats_uncertain)
        if count:
            log.warning("mails were being handed over when a process ended", count=count)
        await asyncio.sleep(INTERRUPTED_CHECK_INTERVAL)

    async def _send_prepared_mails(self) -> None:
        connection = MailServerConnection(self._server)
        try:
            while True:
                prepared = await self._ready.get()
                try:
                    await self._send(prepared, connection)
                except Exception as error:
                    if not is_passing(error):
                        raise
                    # The claim will expire. If the mail was being handed over, it then ends as uncertain.
                    log.warning("mail has no outcome yet, its claim will expire", error=type(error).__name__)
        finally:
            await connection.close()

    async def _send(self, prepared: Prepared, connection: MailServerConnection) -> None:
        mail = prepared.mail
        state = self._campaign_state(mail.request.campaign_id)
        if must_wait(state):
            await retry_mail(self._database.pool, mail, datetime.now(UTC) + PAUSED_CAMPAIGN_DELAY, "campaign_paused")
        elif prepared.refusal is not None:
            await self._end(mail, "skipped", prepared.refusal)
        elif prepared.retry_reason is not None:
            await self._retry(mail, prepared.retry_reason)
        else:
            await self._rate_limit.turn()
            await self._begin(prepared, connection, state)

    async def _begin(self, prepared: Prepared, connection: MailServerConnection, campaign_state: str | None) -> None:
        mail = prepared.mail
        begun = await begin_mail(self._database.pool, mail, self._lease * 2)
        if begun is None:
            return  # another process has claimed it
        (recipient,) = begun
        reason = reason_to_skip(
            recipient,
            is_system=mail.request.system is not None,
            is_test=mail.request.test_address is not None,
            campaign_state=campaign_state,
            expires_at=mail.request.expires_at,
            now=datetime.now(UTC),
        )
        if reason is None and has_new_address(recipient, prepared):
            await retry_mail(self._database.pool, mail, datetime.now(UTC), "the address has changed")
        elif reason is not None or prepared.composed is None:
            await self._end(mail, "skipped", reason or "no_address")
        else:
            await self._hand_over(prepared, connection)

    async def _hand_over(self, prepared: Prepared, connection: MailServerConnection) -> None:
        assert prepared.composed is not None
        mail = prepared.mail
        try:
            await connection.hand_over(prepared.sender, prepared.recipient, prepared.composed)
        except MailRefused as error:
            if error.refusal.is_permanent:
                await self._end(mail, error.refusal.ending, f"{error.refusal.code} {error.refusal.text}"[:1000])
            else:
                await self._retry(mail, f"{error.refusal.code} {error.refusal.text}"[:1000])
        except NotReached as error:
            await self._retry(mail, f"mail server: {error}")
        except Uncertain as error:
            await self._end(mail, "uncertain", f"mail server: {error}")
        else:
            await self._end(mail, "sent", None)

    async def _end(self, mail: Mail, state: Ending, reason: str | None) -> None:
        await end_mail(self._database.pool, mail, state, reason)
        MAILS.labels(state).inc()

    async def _retry(self, mail: Mail, reason: str) -> None:
        at = datetime.now(UTC) + retry_after(mail.attempts + 1, random.random())
        await retry_mail(self._database.pool, mail, at, reason)
        MAILS.labels("retried").inc()
