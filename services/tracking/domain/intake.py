"""Decides whether a reported click is recorded, held, refused or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from services.tracking.domain.digests import email_digest, external_digest
from services.tracking.domain.revisions import Link, LinkLabel, links_to, shared_labels
from services.tracking.domain.verdicts import Evidence
from shared.events.intake import HEADERS_KEPT, ClickReport

AHEAD = timedelta(minutes=5)  # how far a reporter's clock may be ahead
NAMES_PREFIX = "names"  # begins the keys of `ReferenceKey.named_by`
_LONGEST_HEADER = 1_000
_MOST_SECONDS = 2**31 - 1
_MOST_URLS = 5_000  # URLs of one message whose links are cached
_KEPT_HEADERS = frozenset(HEADERS_KEPT)

ReferenceKind = Literal["contact", "email", "external"]


class ReferenceKey(NamedTuple):
    """A reference to a contact in a report; `value` is the contact's id, or a digest of the name."""

    kind: ReferenceKind
    account_id: int
    value: int | UUID

    @property
    def waits_for(self) -> str:
        """The key under which a record waits for this contact."""
        return f"{self.kind}:{self.account_id}:{self.value}"

    @property
    def named_by(self) -> str:
        """The key that marks a record which names this contact but waits for something else; it is never released."""
        return f"{NAMES_PREFIX}:{self.waits_for}"


def message_key(account_id: int, message_id: UUID) -> str:
    """Return the key under which a record waits for a message."""
    return f"message:{account_id}:{message_id}"


def contact_reference(account_id: int, report: ClickReport) -> ReferenceKey:
    """Return the reference to the contact of `report`."""
    if report.contact_id is not None:
        return ReferenceKey("contact", account_id, report.contact_id)
    if report.external_id is not None:
        return ReferenceKey("external", account_id, external_digest(report.external_id))
    assert report.email is not None, "a report must identify its contact by id, external id or e-mail address"
    return ReferenceKey("email", account_id, email_digest(report.email))


class UnusableReport(NamedTuple):
    """The report can never be used."""

    reason: str


class DroppedReport(NamedTuple):
    """The report is dropped on purpose, without storing anything about the contact."""

    reason: Literal["test_send"]


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message that clicks need: its account and its links."""

    account_id: int
    message_no: int
    version: int
    links: Sequence[Link]
    by_id: dict[UUID, Link] = field(default_factory=dict)
    by_url: dict[str, list[Link]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_id.update((link.id, link) for link in self.links)

    def links_at(self, url: str) -> list[Link]:
        """Return the links whose URL is `url`; see `links_to`."""
        if url not in self.by_url:
            if len(self.by_url) >= _MOST_URLS:
                self.by_url.clear()
            self.by_url[url] = links_to(self.links, url)
        return self.by_url[url]


class ClickedLink(NamedTuple):
    """The link that was clicked, and the labels that the click carries."""

    link: Link
    labels: tuple[LinkLabel, ...]


def find_clicked_link(
    report: ClickReport, message: Message, now: datetime
) -> ClickedLink | UnusableReport | DroppedReport:
    """Return the link that `report` names in `message`, or why the click is not recorded.

    UnusableReport: there is no such link, or the time is too far ahead of `now`. DroppedReport: a test send.
    """
    if report.occurred_at > now + AHEAD:
        return UnusableReport("occurred_at is more than 5 minutes in the future")
    if report.send is not None and report.send.kind == "test":
        return DroppedReport("test_send")
    if report.link_id is not None:
        link = message.by_id.get(report.link_id)
        return UnusableReport("the message has no such link") if link is None else ClickedLink(link, link.labels)
    assert report.url is not None, "a report must identify its link by id or URL"
    links = message.links_at(report.url)
    if not links:
        return UnusableReport("the message has no link with this url")
    return ClickedLink(links[0], shared_labels(links))


def evidence(report: ClickReport) -> Evidence:
    """Return the evidence in a report, with only those headers that the verdict uses."""
    headers = report.headers
    if headers and not (headers.keys() <= _KEPT_HEADERS and len(max(headers.values(), key=len)) <= _LONGEST_HEADER):
        headers = {
            name.lower(): value[:_LONGEST_HEADER] for name, value in headers.items() if name.lower() in _KEPT_HEADERS
        }
    return Evidence(report.user_agent, report.method, headers or None, report.hint, bool(report.history))


def seconds_between(begin: datetime | None, end: datetime) -> int | None:
    """Return whole seconds from `begin` to `end`, at least 0; None if `begin` is None."""
    return None if begin is None else min(max(int((end - begin).total_seconds()), 0), _MOST_SECONDS)
