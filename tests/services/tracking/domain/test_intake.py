"""A report is matched to a link of its message, rejected, or dropped."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.tracking.domain.intake import (
    ClickedLink,
    DroppedReport,
    Message,
    UnusableReport,
    contact_reference,
    evidence,
    find_clicked_link,
)
from services.tracking.domain.revisions import Link, LinkLabel
from shared.events.intake import ClickReport

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DOGS, CATS = LinkLabel(uuid4(), "Dogs"), LinkLabel(uuid4(), "Cats")
DOG_LINK = Link(uuid4(), 1, "https://a.example/dogs?a=1&b=2", "Dogs", None, labels=(DOGS,))
TWO_A = Link(uuid4(), 2, "https://a.example/pets", "Pets", None, labels=(DOGS, CATS))
TWO_B = Link(uuid4(), 3, "https://a.example/pets", "More", None, labels=(CATS,))
MESSAGE = Message(1, 5, 1, [DOG_LINK, TWO_A, TWO_B])


def report(**changes: Any) -> ClickReport:
    return ClickReport(**{"contact_id": 7, "message_id": uuid4(), "occurred_at": NOW, "link_id": DOG_LINK.id} | changes)


def by_url(url: str) -> ClickReport:
    return report(link_id=None, url=url)


def test_a_link_is_found_by_its_id_with_its_labels() -> None:
    assert find_clicked_link(report(), MESSAGE, NOW) == ClickedLink(DOG_LINK, (DOGS,))


def test_a_url_of_one_link_finds_that_link() -> None:
    assert find_clicked_link(by_url("https://a.example/dogs?a=1&b=2"), MESSAGE, NOW) == ClickedLink(DOG_LINK, (DOGS,))


def test_a_url_of_several_links_carries_the_labels_that_they_share() -> None:
    assert find_clicked_link(by_url("https://a.example/pets"), MESSAGE, NOW) == ClickedLink(TWO_A, (CATS,))


@pytest.mark.parametrize(
    "rejected",
    [
        report(link_id=uuid4()),
        by_url("https://a.example/other"),
        report(occurred_at=NOW + timedelta(minutes=5, seconds=1)),
    ],
)
def test_rejects_unknown_links_unknown_urls_and_future_times(rejected: ClickReport) -> None:
    assert isinstance(find_clicked_link(rejected, MESSAGE, NOW), UnusableReport)


def test_a_clock_that_is_slightly_ahead_is_tolerated() -> None:
    assert isinstance(find_clicked_link(report(occurred_at=NOW + timedelta(minutes=4)), MESSAGE, NOW), ClickedLink)


def test_a_test_send_is_dropped() -> None:
    assert find_clicked_link(report(send={"kind": "test", "id": "x", "sent_at": NOW}), MESSAGE, NOW) == DroppedReport(
        "test_send"
    )


def test_all_spellings_of_an_address_refer_to_the_same_contact() -> None:
    references = {
        contact_reference(1, report(contact_id=None, email=address))
        for address in ("Ann@Bücher.example", " ann@xn--bcher-kva.example ", "ANN@BÜCHER.EXAMPLE")
    }
    assert len(references) == 1
    assert "ann" not in references.pop().waits_for


def test_references_differ_by_account_and_kind() -> None:
    email = contact_reference(1, report(contact_id=None, email="a@b.example"))
    external = contact_reference(1, report(contact_id=None, external_id="a@b.example"))
    assert len({email.waits_for, external.waits_for, email._replace(account_id=2).waits_for}) == 3
    assert contact_reference(1, report()).waits_for == "contact:1:7"


def test_evidence_contains_only_known_headers_and_truncates_them() -> None:
    kept = evidence(
        report(user_agent="ab", method="GET", hint="human", headers={"Sec-Purpose": "x" * 5000, "Cookie": "secret"})
    )
    assert kept.user_agent == "ab"
    assert kept.headers == {"sec-purpose": "x" * 1000}
    assert (kept.method, kept.hint) == ("GET", "human")
