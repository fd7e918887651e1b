"""Strategies for criteria and histories with so few values that criteria often match events."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from shared.criteria import ContactFacts, Criterion, MergedLabels, parse
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved
from shared.events.parts import LabelReference, Origin, Send
from shared.events.tracking import ContactClicked

ZONE = ZoneInfo("Europe/Brussels")
TODAY = date(2026, 3, 30)  # the day after the change to summer time
ACCOUNT = 7

LABELS = [UUID(int=number) for number in range(1, 4)]
MESSAGES = [UUID(int=number) for number in range(11, 14)]
LINKS = {UUID(int=20 + number): MESSAGES[number % 3] for number in range(6)}
URLS = ["https://a.example/dogs", "https://a.example/dogs?x=1", "https://b.example/"]
SENDS = ["spring", "summer"]
KINDS = ["message.sent", "form.submitted", "page.visited"]
REFS = ["contest", "home"]
FIELDS = ["city", "age", "born", "vip"]
# Some are different spellings of equal texts, and one only looks like a day.
CITIES = ["Gent", "GENT", "Straße", "STRASSE", "Cafe\u0301", "caf\u00e9", "", "2026-03-01", "2026-13-01", "Ga"]
NUMBERS = [0, -0.0, 1, 1.0, -3, 2.5, 10**9, 10**400, 1e300, 0.1]
DAYS = ["2026-03-01", "1980-02-29", "2026-03-30", "0001-01-01", "1999-04-05", "2026-04-20", "2020-12-31"]
SCALARS = st.sampled_from([*CITIES, *NUMBERS, *DAYS, True, False])


def _ids(values: Iterable[UUID]) -> st.SearchStrategy[str]:
    return st.sampled_from([str(value) for value in values])


dates = st.integers(-40, 3).map(lambda shift: (TODAY + timedelta(days=shift)).isoformat())

counts: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"at_least": st.integers(0, 5)}),
    st.fixed_dictionaries({"at_most": st.integers(0, 4)}),
    st.fixed_dictionaries({"exactly": st.integers(0, 5)}),
)
periods: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"within_days": st.integers(1, 40)}),
    st.fixed_dictionaries({"older_than_days": st.integers(1, 40)}),
    st.fixed_dictionaries({"from": dates}),
    st.fixed_dictionaries({"to": dates}),
    st.tuples(dates, dates).map(lambda ends: {"from": min(ends), "to": max(ends)}),
)


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {name: value for part in found for name, value in part.items()})


labels_held = st.one_of(
    _ids(LABELS).map(lambda label: {"label": label}),
    merged(
        st.one_of(
            st.fixed_dictionaries({"id": _ids(LABELS)}),
            st.fixed_dictionaries({"any_of": st.lists(_ids(LABELS), min_size=1, max_size=3)}),
        ),
        periods,
    ).map(lambda body: {"label": body}),
)
clicks = merged(
    st.one_of(
        st.just({}),
        st.fixed_dictionaries({"label": _ids(LABELS)}),
        st.fixed_dictionaries({"message": _ids(MESSAGES)}),
        st.fixed_dictionaries({"link": _ids(LINKS)}),
        st.fixed_dictionaries({"send": st.sampled_from(SENDS)}),
        st.fixed_dictionaries({"url": st.sampled_from(URLS)}),
        st.fixed_dictionaries({"url_starts_with": st.sampled_from(["https://", "https://a.example/dogs", "http:"])}),
    ),
    counts,
    periods,
).map(lambda body: {"clicks": body})
engaged = merged(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(KINDS)},
        optional={"ref": st.sampled_from(REFS), "message": _ids(MESSAGES), "send": st.sampled_from(SENDS)},
    ),
    counts,
    periods,
).map(lambda body: {"engaged": body})


def _field(operator: str, operands: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.sampled_from(FIELDS), operands).map(
        lambda found: {"field": {"key": found[0], operator: found[1]}}
    )


fields = st.one_of(
    _field("is", SCALARS),
    _field("is_not", SCALARS),
    _field("in", st.lists(SCALARS, min_size=1, max_size=4)),
    _field("less_than", st.sampled_from(NUMBERS)),
    _field("greater_than", st.sampled_from(NUMBERS)),
    _field("before", st.sampled_from(DAYS)),
    _field("after", st.sampled_from(DAYS)),
    _field("between", st.lists(st.sampled_from(NUMBERS), min_size=2, max_size=2).map(sorted)),
    _field("between", st.lists(st.sampled_from(DAYS), min_size=2, max_size=2).map(sorted)),
    _field("exists", st.booleans()),
    _field("starts_with", st.sampled_from(["g", "GE", "stras", "2026-0", "2026-03-01", "caf\u00e9", "20"])),
)

refused_clicks = merged(
    st.fixed_dictionaries({"label": _ids(LABELS), "refused": st.just(True)}), counts, periods
).map(lambda body: {"clicks": body})  # fmt: skip
top_labels = merged(
    st.fixed_dictionaries({"id": _ids(LABELS)}, optional={"among": st.lists(_ids(LABELS), min_size=1, max_size=3)}),
    periods,
).map(lambda body: {"top_label": body})
more_clicks = merged(
    st.sampled_from([(one, other) for one in LABELS for other in LABELS if one != other]).map(
        lambda pair: {"label": str(pair[0]), "than": str(pair[1])}
    ),
    st.fixed_dictionaries({}, optional={"times": st.integers(1, 3)}),
    periods,
).map(lambda body: {"more_clicks": body})
field_days = merged(
    st.sampled_from(FIELDS).map(lambda key: {"key": key}),
    st.one_of(
        periods.filter(bool),
        st.fixed_dictionaries({"in_next_days": st.integers(1, 40)}),
        st.fixed_dictionaries({"anniversary_within_days": st.integers(1, 366)}),
    ),
).map(lambda body: {"field": body})
contact_attributes = st.one_of(
    st.fixed_dictionaries({"email_domain": st.sampled_from(["example.com", "EXAMPLE.com", "weiß.example"])}),
    st.fixed_dictionaries({"language": st.sampled_from(["nl", "NL", ["nl", "fr"], ["de"]])}),
    st.fixed_dictionaries({"source": st.sampled_from(["fair", "2026-03-01"])}),
    st.fixed_dictionaries({"subscription": st.sampled_from(["subscribed", ["unsubscribed", "blocked"]])}),
    st.fixed_dictionaries({"created": periods.filter(bool)}),
).map(lambda body: {"contact": body})
samples = st.fixed_dictionaries(
    {"percent": st.sampled_from([0.5, 10, 50, 99.5, 100]), "seed": st.sampled_from(["a", "b", "c"])}
).map(lambda body: {"sample": body})

leaves = st.one_of(
    labels_held,
    clicks,
    engaged,
    fields,
    refused_clicks,
    top_labels,
    more_clicks,
    field_days,
    contact_attributes,
    samples,
)
written_criteria = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map(lambda found: {"all": found}),
        st.lists(parts, max_size=3).map(lambda found: {"any": found}),
        parts.map(lambda found: {"not": found}),
    ),
    max_leaves=8,
)


def _depth(value: dict[str, Any]) -> int:
    [(kind, body)] = value.items()
    if kind in ("all", "any"):
        return 1 + max((_depth(part) for part in body), default=0)
    return 1 + _depth(body) if kind == "not" else 1


criteria: st.SearchStrategy[Criterion] = written_criteria.filter(lambda value: _depth(value) <= 10).map(parse)

# Hours around midnight, in UTC and in the account's zone, on days around both ends of the windows.
moments = st.builds(
    lambda days, hours: datetime(2026, 3, 30, 12, tzinfo=UTC) - timedelta(days=days, hours=hours),
    st.integers(0, 45),
    st.sampled_from([0, 12, 13, 14, 15, 23]),
)
sends = st.one_of(
    st.none(),
    st.builds(
        lambda kind, name: Send(kind=kind, id=name, sent_at=datetime(2026, 1, 1, tzinfo=UTC)),
        st.sampled_from(["campaign", "workflow", "test"]),
        st.sampled_from(SENDS),
    ),
)
verdicts = st.sampled_from(["human", "human", "human", "machine", "unsure"])


def clicks_of(contact_ids: st.SearchStrategy[int]) -> st.SearchStrategy[ContactClicked]:
    return st.builds(
        lambda contact, moment, link, url, labels, send, verdict: ContactClicked(
            occurred_at=moment,
            account_id=ACCOUNT,
            contact_id=contact,
            click_id=UUID(int=99),
            message_id=LINKS[link],
            send=send,
            link_id=link,
            url=url,
            labels=tuple(LabelReference(id=label, name="any") for label in labels),
            verdict=verdict,
            reasons=(),
        ),
        contact_ids,
        moments,
        st.sampled_from(list(LINKS)),
        st.sampled_from(URLS),
        st.sets(st.sampled_from(LABELS), max_size=2),
        sends,
        verdicts,
    )


def contacts_of(contact_ids: st.SearchStrategy[int]) -> st.SearchStrategy[ContactChanged]:
    return st.builds(
        lambda contact, moment, fields, state, email, language, subscription, created_at: ContactChanged(
            occurred_at=moment,
            account_id=ACCOUNT,
            contact_id=contact,
            external_id=None,
            email=email if state == "active" else None,
            fields=fields if state == "active" else {},
            state=state,
            subscription=subscription,
            tracking_consent="granted",
            source="Fair" if language is None else "2026-03-01",
            language=language,
            created_at=created_at,
        ),
        contact_ids,
        moments,
        st.dictionaries(st.sampled_from(FIELDS), SCALARS, max_size=4),
        st.sampled_from(["active"] * 8 + ["merged", "erased"]),
        st.sampled_from([None, "an@example.com", "bo@Example.COM", '"a@b"@weiß.example']),
        st.sampled_from([None, "nl", "fr"]),
        st.sampled_from(["subscribed", "subscribed", "unsubscribed", "blocked"]),
        st.one_of(st.none(), moments),
    )


def events_of(contact_ids: st.SearchStrategy[int]) -> st.SearchStrategy[ContactEvent]:
    """Return a strategy for any event that criteria depend on, of any of the contacts."""
    held = st.tuples(contact_ids, moments, st.sampled_from(LABELS))
    return st.one_of(
        clicks_of(contact_ids),
        clicks_of(contact_ids),
        contacts_of(contact_ids),
        held.map(lambda found: LabelAssigned(**_held(*found))),
        st.tuples(held, st.sampled_from(LABELS)).map(
            lambda found: LabelAssigned(**_held(*found[0]), given_back=(found[1],))
        ),
        held.map(lambda found: LabelRemoved(**_held(*found))),
        held.map(lambda found: LabelRemoved(**_held(*found) | {"origin": Origin(kind="self")})),
        st.tuples(held, st.sampled_from(LABELS)).map(
            lambda found: LabelRemoved(**_held(*found[0]) | {"origin": Origin(kind="label_merged", label_id=found[1])})
        ),
        st.builds(
            lambda contact, moment, kind, ref, message, send: ContactEngaged(
                occurred_at=moment,
                account_id=ACCOUNT,
                contact_id=contact,
                kind=kind,
                ref=ref,
                message_id=message,
                send=send,
                attributes={},
            ),
            contact_ids,
            moments,
            st.sampled_from(KINDS),
            st.sampled_from([None, *REFS]),
            st.sampled_from([None, *MESSAGES]),
            sends,
        ),
    )


def _held(contact: int, moment: datetime, label: UUID) -> dict[str, Any]:
    return {
        "occurred_at": moment,
        "account_id": ACCOUNT,
        "contact_id": contact,
        "label_id": label,
        "label_name": "any",
        "origin": Origin(kind="click"),
    }


# Which labels were merged into which others; the second is a chain.
merges = st.sampled_from(
    [{}, {LABELS[0]: LABELS[1]}, {LABELS[0]: LABELS[1], LABELS[1]: LABELS[2]}, {LABELS[2]: LABELS[0]}]
).map(MergedLabels)


def facts_with_merged_labels(facts: ContactFacts, merged: MergedLabels) -> ContactFacts:
    """Return the facts with each merged label replaced by the label that it was merged into."""
    if not merged:
        return facts

    def last(label: UUID) -> UUID:
        return merged.last.get(label, label)

    labels: dict[UUID, date] = {}
    for label, since in facts.labels.items():
        labels[last(label)] = min(since, labels.get(last(label), since))
    return replace(
        facts,
        labels=labels,
        refusals=frozenset(last(label) for label in facts.refusals) - labels.keys(),
        clicked=[replace(click, labels=frozenset(map(last, click.labels))) for click in facts.clicked],
    )
