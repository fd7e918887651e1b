"""Answers `/c/{token}.{n}` without a database, as soon as the click is stored."""

import asyncio
from collections.abc import Awaitable, Sequence

from prometheus_client import Counter

from services.tracking.redirect.clicks import TOPIC, Click, click_of
from services.tracking.redirect.spool import SpoolWriter
from services.tracking.redirect.targets import LinkTarget, Targets
from shared.bus.collector import Collector, Waiting
from shared.http.raw import RAW_PREFIX, Answer, RawRequest
from shared.metrics import REGISTRY
from shared.settings import CommonSettings
from shared.tokens import NotGenuineError, TokenContents, TokenKeys

PATIENCE = 0.25  # seconds that a click may wait for Kafka before it goes to disk
_PAGE = (
    b"<!doctype html><html lang=en><meta charset=utf-8><meta name=robots content=noindex>"
    b"<title>Not found</title><h1>Not found</h1>"
    b"<p>This link is not valid. Check that it was copied completely.</p></html>"
)
NOT_FOUND = Answer(404, ((b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")), _PAGE)
# The target page must not get the token, which identifies the contact.
_HEADERS = ((b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer"))
_PREFIX = len(RAW_PREFIX)
_LONGEST_NUMBER = 9

SPOOLED = Counter(
    "penchant_clicks_spooled",
    "Clicks that were spooled to disk because Kafka was slow or unavailable.",
    registry=REGISTRY,
)
LOST = Counter(
    "penchant_clicks_lost",
    "Clicks that were lost because neither Kafka nor the spool accepted them.",
    registry=REGISTRY,
)


class Redirect:
    """The handler of tracked links; see `shared.http.raw`.

    A genuine token is always answered with the link's URL, after the click was acknowledged by Kafka or written to
    disk. Any other token is a 404, without a log line or a record.
    """

    def __init__(
        self,
        keys: TokenKeys,
        targets: Targets,
        settings: CommonSettings,
        spool: SpoolWriter,
        patience: float = PATIENCE,
    ) -> None:
        self.collector: Collector[Click, Answer] = Collector(settings, TOPIC, self._to_spool, patience)
        self._keys = keys
        self._targets = targets
        self._spool = spool

    def __call__(self, request: RawRequest, /) -> Answer | Awaitable[Answer]:
        token, _, number = request.path[_PREFIX:].rpartition(".")
        if len(number) > _LONGEST_NUMBER:
            return NOT_FOUND
        try:
            recipient = self._keys.read(token.encode("latin-1"))
        except NotGenuineError:
            return NOT_FOUND
        target = self._targets.find(recipient.account_id, recipient.message_id, number)
        if target is not None:
            return self._answer(request, recipient, target)
        if self._targets.knows(recipient.message_id):
            return NOT_FOUND
        return self._after_refresh(request, recipient, number)

    def _answer(self, request: RawRequest, recipient: TokenContents, target: LinkTarget) -> Answer | Awaitable[Answer]:
        answer = Answer(302, ((b"location", target.location_for(recipient.send)), *_HEADERS))
        if not target.tracked or (recipient.send is not None and recipient.send.kind == "test"):
            return answer
        click = click_of(request, recipient, target.link_id)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.collector.add(click, future, answer)
        return future

    async def _after_refresh(self, request: RawRequest, recipient: TokenContents, number: str) -> Answer:
        # The token is genuine, so the message exists, but it was registered too recently to be in the catalog.
        await self._targets.refresh()
        target = self._targets.find(recipient.account_id, recipient.message_id, number)
        if target is None:
            return NOT_FOUND
        answer = self._answer(request, recipient, target)
        return answer if isinstance(answer, Answer) else await answer

    def _to_spool(self, waiting: Sequence[Waiting[Click, Answer]]) -> None:
        SPOOLED.inc(len(waiting))
        for entry in waiting:
            self._spool.add(entry.item, entry.safe)
