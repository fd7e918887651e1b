"""Renders mails from messages that are compiled once per revision, version and content."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from services.tracking.domain.blocks import SUBJECT
from services.tracking.domain.errors import MessageNotFound
from services.tracking.domain.plain_text import text_of
from services.tracking.domain.rendering import MailSource, MailTemplates, compile_mail
from services.tracking.domain.revisions import Link, links_to
from services.tracking.store.messages import StoredRevision, links_of_messages, read_revision
from services.tracking.store.senders import Sender, read_sender
from shared.account_turns import AccountTurns
from shared.store.database import Database

MOST_COMPILED = 50  # messages whose templates are cached
MOST_CONTENTS = 100  # contents of one message
_URL = re.compile(r"https?://[^\s<>\"]+")
_SENTENCE_END = ".,;:!?)'"
_TOKEN = "\0"  # noqa: S105 - a placeholder


class CompiledMessage:
    """A revision of a message, ready to be rendered for any content."""

    def __init__(
        self, account_id: int, revision: StoredRevision, source: MailSource, sender: Sender | None, turns: AccountTurns
    ) -> None:
        self._account_id = account_id
        self._turns = turns
        self.revision = revision
        self.sender = sender
        self.source = source
        self._mails: OrderedDict[tuple[tuple[str, str], ...], MailTemplates] = OrderedDict()
        self.variants = {block.name: {*block.variants, ""} for block in revision.layout.blocks}
        if revision.content.subject_variants:
            self.variants[SUBJECT] = {*revision.content.subject_variants, ""}

    def first_unknown_block(self, content: Mapping[str, str]) -> str | None:
        """Return the first block of `content` whose variant does not exist, or None; removed blocks are ignored."""
        return next(
            (block for block, variant in content.items() if variant not in self.variants.get(block, (variant,))), None
        )

    async def mail(self, content: Mapping[str, str]) -> MailTemplates:
        """Return the templates for a content, compiled at the first use."""
        key = tuple(
            sorted((block, variant) for block, variant in content.items() if block in self.variants and variant)
        )
        mail = self._mails.get(key)
        if mail is None:
            mail = await self._turns.run_in_thread(self._account_id, compile_mail, self.source, dict(key), text_of)
            self._mails[key] = mail
            if len(self._mails) > MOST_CONTENTS:
                self._mails.popitem(last=False)
        return mail


class Renderer:
    """A cache of the most recently used compiled messages."""

    def __init__(self, database: Database, public_url: str, preferences_url: str, turns: AccountTurns) -> None:
        self._database = database
        self._turns = turns
        self._public_url = public_url
        self._preferences_url = preferences_url
        self._compiled: OrderedDict[tuple[UUID, int], CompiledMessage] = OrderedDict()

    async def message(self, account_id: int, message_id: UUID, revision: int | None) -> CompiledMessage:
        """Return a compiled revision (None: the newest). Raises MessageNotFound, also if the revision does not
        exist."""
        async with (
            self._database.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            stored = await read_revision(connection, account_id, message_id, revision)
            if stored is None:
                raise MessageNotFound
            sender_id = stored.content.sender_id
            sender = None if sender_id is None else await read_sender(connection, account_id, sender_id)
            cached = self._compiled.get((message_id, stored.revision))
            if cached is not None and cached.revision.version == stored.version and cached.sender == sender:
                self._compiled.move_to_end((message_id, stored.revision))
                return cached
            links = (await links_of_messages(connection, [message_id]))[message_id]
        compiled = CompiledMessage(account_id, stored, self._source_of(stored, links), sender, self._turns)
        self._compiled[message_id, stored.revision] = compiled
        if len(self._compiled) > MOST_COMPILED:
            self._compiled.popitem(last=False)
        return compiled

    def _source_of(self, stored: StoredRevision, links: list[Link]) -> MailSource:
        urls = {
            link.id: f"{self._public_url}/c/{_TOKEN}.{link.number}" if link.trackable else link.target for link in links
        }
        content = stored.content
        return MailSource(
            html=stored.html,
            layout=stored.layout,
            places=stored.places,
            urls=[urls[link_id] for link_id in stored.link_ids],
            subject=content.subject or "",
            subject_variants=content.subject_variants,
            preheader=content.preheader or "",
            text=None if content.text_is_made else _tracked_text(content.text or "", links, urls),
            preferences_url=self._preferences_url,
        )


def _tracked_text(text: str, links: list[Link], urls: Mapping[UUID, str | None]) -> str:
    """Return a text part with the URLs of tracked links replaced."""

    def replacement(match: re.Match[str]) -> str:
        url = match[0].rstrip(_SENTENCE_END)
        matches = links_to(links, url)
        tracked = urls.get(matches[0].id) if matches else None
        return (tracked or url) + match[0][len(url) :]

    return _URL.sub(replacement, text)
