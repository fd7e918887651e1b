"""Events are encoded as Kafka records and decoded again; invalid records are rejected with a reason."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

from shared.events.codec import (
    EVENT_BYTES,
    INTAKE_BYTES,
    Decoder,
    Headers,
    Tombstone,
    after_of,
    after_text,
    body_of,
    decode,
    headers_of,
    rfc3339,
)
from shared.events.envelope import Event
from shared.events.intake import ClickReported
from shared.events.parts import Origin
from shared.events.registry import EVENTS
from shared.events.undecodable import Kind, Undecodable
from shared.events.workflow import SetField
from tests.shared.events.examples import CLICK_REPORT, NOON, click, record, reported

CLICK = "penchant.ClickReported.v1"


def without_header(headers: Headers, name: str) -> Headers:
    return {other: value for other, value in headers.items() if other != name}


def with_header(headers: Headers, name: str, value: bytes | None) -> Headers:
    return {**headers, name: value}


def refused(topic: str, value: bytes | None, headers: Headers) -> Undecodable:
    with pytest.raises(Undecodable) as caught:
        decode(topic, b"7:12", value, headers)
    return caught.value


def test_an_encoded_event_is_decoded_to_the_same_event() -> None:
    event = click()
    value, headers = record(event, after={"labeling.contacts": 9, "labeling.catalog": 3})

    decoded = decode("tracking.clicks", b"7:12", value, headers)

    assert decoded.event == event
    assert decoded.event_id == str(event.event_id)
    assert decoded.source == "/tracking"
    assert decoded.occurred_at == NOON
    assert decoded.sequence == 42
    assert decoded.after == {"labeling.contacts": 9, "labeling.catalog": 3}
    assert decoded.correlation_id == "request-1"
    assert decoded.causation_id is None
    assert decoded.traceparent is None


def test_all_headers_are_encoded_as_documented() -> None:
    headers = headers_of(
        "penchant.LabelAssigned.v1",
        "id-1",
        "/labeling",
        NOON,
        42,
        {"tracking.clicks": 5, "a.b": 1},
        "c",
        "d",
        "00-1",
    )

    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"id-1",
        "ce_source": b"/labeling",
        "ce_type": b"penchant.LabelAssigned.v1",
        "ce_time": b"2026-03-01T12:00:00.123456Z",
        "ce_sequence": b"00000000000000000042",
        "ce_after": b"a.b=1,tracking.clicks=5",
        "ce_correlationid": b"c",
        "ce_causationid": b"d",
        "content-type": b"application/json",
        "traceparent": b"00-1",
    }


def test_headers_without_a_value_are_omitted() -> None:
    names = [name for name, _ in headers_of("t", "id", "/s", NOON, None, {}, None, None, None)]

    assert names == ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"]


def test_the_cloudevents_sdk_reads_the_records() -> None:
    event = click()
    value, headers = record(event, after={"labeling.contacts": 9})
    written = {name: raw for name, raw in headers.items() if raw is not None}

    cloud_event = from_kafka_event(KafkaMessage(headers=written, key=event.key, value=value))

    assert cloud_event.get_type() == "penchant.ContactClicked.v1"
    assert cloud_event.get_time() == NOON
    assert cloud_event.get_extension("sequence") == "00000000000000000042"
    data = cloud_event.get_data()
    assert isinstance(data, dict)
    assert data["url"] == "https://shop.example/dogs"


def test_unknown_members_and_headers_are_ignored() -> None:
    value, headers = record(click())
    newer = json.dumps({**json.loads(value), "colour": "red"}).encode()

    assert decode("tracking.clicks", b"7:12", newer, {**headers, "ce_colour": b"red"}).event.account_id == 7


def test_optional_members_without_a_value_are_omitted_from_the_json() -> None:
    assert "send" not in json.loads(body_of(click(send=None)))


def test_the_field_key_of_set_field_is_encoded_as_key() -> None:
    origin = Origin(kind="workflow")
    event = SetField(occurred_at=NOON, account_id=1, contact_id=2, field_key="city", value="Gent", origin=origin)

    value = body_of(event)

    assert json.loads(value)["key"] == "city"
    headers = dict(headers_of(event.type(), event.event_id, "/workflow", NOON, 1, {}, None, None, None))
    assert decode("workflow.commands", b"1:2", value, headers).event == event


def test_every_event_type_is_accepted_on_its_own_topic_only() -> None:
    for model in EVENTS:
        if not issubclass(model, Event):
            continue
        headers = dict(headers_of(model.type(), "id", "/x", NOON, 1, {}, None, None, None))
        other = "labeling.keys" if model.topic != "labeling.keys" else "labeling.catalog"
        assert refused(model.topic, b"{}", headers).kind == "wrong_value"
        assert refused(other, b"{}", headers).kind == "unknown_type"


@pytest.mark.parametrize(
    ("value", "kind", "detail"),
    [
        (b"no json at all", "not_json", "line 1"),
        (b"", "not_json", "EOF"),
        (b'{"account_id": 7', "not_json", "EOF"),
        (b"\xff\xfe", "not_json", "line 1"),
        (b"[]", "wrong_value", "value: "),
        (b"{}", "wrong_value", "/occurred_at: Field required"),
        (None, "null_value", "no value"),
        (b" " * (INTAKE_BYTES + 1), "too_large", f"{INTAKE_BYTES + 1} bytes"),
    ],
)
def test_an_invalid_value_is_rejected_with_the_reason(value: bytes | None, kind: Kind, detail: str) -> None:
    error = refused("intake.clicks", value, reported(CLICK))

    assert error.kind == kind
    assert detail in error.reason


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"account_id": "7"}, "/account_id"),
        ({"account_id": 0}, "/account_id"),
        ({"occurred_at": 1772366400}, "/occurred_at"),
        ({"occurred_at": "2026-03-01T12:00:00"}, "/occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+02:00"}, "/occurred_at"),
        ({"occurred_at": "1889-12-31T00:00:00Z"}, "/occurred_at"),
        ({"send": {"kind": "parcel", "id": "1", "sent_at": "2026-03-01T12:00:00Z"}}, "/send/kind"),
        ({"headers": {"a/b~c": 1}}, "/headers/a~1b~0c"),
        ({"user_agent": "a\x00b"}, "/user_agent"),
        ({"external_id": None}, "value"),
        ({"url": None, "link_id": None}, "value"),
    ],
)
def test_an_invalid_member_is_named_by_its_pointer(change: dict[str, object], pointer: str) -> None:
    value = json.dumps(CLICK_REPORT | change).encode()

    error = refused("intake.clicks", value, reported(CLICK))

    assert error.kind == "wrong_value"
    assert f"{pointer}: " in error.detail


def test_a_reason_contains_no_value_of_the_record() -> None:
    value = json.dumps(CLICK_REPORT | {"email": "x", "occurred_at": "jan@example.org"}).encode()

    assert "jan@example.org" not in refused("intake.clicks", value, reported(CLICK)).reason


def test_the_reason_of_a_record_with_many_faults_is_shortened() -> None:
    value = json.dumps(CLICK_REPORT | {"headers": {f"name-{n}": n for n in range(30)}}).encode()

    reason = refused("intake.clicks", value, reported(CLICK)).reason

    assert reason.endswith("and 25 more")
    assert len(reason) <= 1000


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source", "ce_type"])
@pytest.mark.parametrize("value", [None, b"", b"\xff"])
def test_a_required_header_that_is_missing_or_not_utf_8_is_named(name: str, value: bytes | None) -> None:
    report = json.dumps(CLICK_REPORT).encode()
    ours, headers = record(click())

    for error in (
        refused("intake.clicks", report, with_header(reported(CLICK), name, value)),
        refused("intake.clicks", report, without_header(reported(CLICK), name)),
        refused("tracking.clicks", ours, with_header(headers, name, value)),
        refused("tracking.clicks", ours, without_header(headers, name)),
    ):
        assert error.kind == "header"
        assert name in error.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_sequence", None),
        ("ce_sequence", b"soon"),
        ("ce_after", b"tracking.clicks"),
        ("ce_after", b"\xff=1"),
        ("ce_specversion", b"0.3"),
        ("ce_correlationid", b"\xff"),
        ("traceparent", b"\xff"),
    ],
)
def test_an_invalid_header_of_an_own_record_is_named(name: str, value: bytes | None) -> None:
    ours, headers = record(click())

    error = refused("tracking.clicks", ours, with_header(headers, name, value))

    assert error.kind == "header"
    assert name in error.detail


@pytest.mark.parametrize("name", ["ce_id", "ce_source"])
@pytest.mark.parametrize("value", [b"x" * 501, b"a\x00b"])
def test_an_id_or_source_that_cannot_be_a_database_key_is_rejected(name: str, value: bytes) -> None:
    error = refused("intake.clicks", json.dumps(CLICK_REPORT).encode(), with_header(reported(CLICK), name, value))

    assert (error.kind, name in error.detail) == ("header", True)


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("penchant.ContactWinked.v1", "unknown_type"),
        ("penchant.ContactClicked", "unknown_type"),
        ("penchant.ContactClicked.v0", "unknown_type"),
        ("com.example.ContactClicked.v1", "unknown_type"),
        ("penchant.ClickReported.v2", "newer_version"),
    ],
)
def test_unknown_types_and_newer_versions_are_distinguished(event_type: str, kind: Kind) -> None:
    value = json.dumps(CLICK_REPORT).encode()

    assert refused("intake.clicks", value, reported(event_type)).kind == kind


def test_an_intake_record_needs_no_sequence_and_no_time() -> None:
    decoded = decode("intake.clicks", None, json.dumps(CLICK_REPORT).encode(), reported(CLICK))

    assert isinstance(decoded.event, ClickReported)
    assert (decoded.event_id, decoded.source) == ("click-1", "/pipeline")
    assert (decoded.sequence, decoded.after) == (None, {})
    assert decoded.occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_null_value_on_a_compacted_topic_is_a_tombstone() -> None:
    headers = dict(headers_of("penchant.Tombstone.v1", "id-1", "/labeling", NOON, 43, {}, None, None, None))

    decoded = decode("labeling.contacts", b"7:12", None, headers)

    assert decoded.event == Tombstone("7:12")
    assert (decoded.sequence, decoded.occurred_at) == (43, NOON)


def test_a_value_larger_than_an_event_may_be_is_rejected() -> None:
    _, headers = record(click())

    assert refused("tracking.clicks", b" " * (EVENT_BYTES + 1), headers).kind == "too_large"


def test_times_with_another_offset_are_converted_to_utc() -> None:
    brussels = timezone(timedelta(hours=1))
    report = CLICK_REPORT | {"occurred_at": "2026-03-01T13:00:00+01:00"}

    decoded = decode("intake.clicks", None, json.dumps(report).encode(), reported(CLICK))

    assert decoded.occurred_at.utcoffset() == timedelta(0)
    assert click(occurred_at=NOON.astimezone(brussels)).occurred_at.utcoffset() == timedelta(0)
    assert rfc3339(NOON.astimezone(brussels)) == "2026-03-01T12:00:00.123456Z"
    assert rfc3339(NOON.replace(microsecond=0)) == "2026-03-01T12:00:00.000000Z"


def test_the_time_of_a_decoded_event_is_in_utc() -> None:
    value, headers = record(click())
    elsewhere = value.replace(b"2026-03-01T12:00:00.123456Z", b"2026-03-01T13:00:00.123456+01:00")

    decoded = decode("tracking.clicks", b"7:12", elsewhere, headers)

    assert elsewhere != value
    assert body_of(decoded.event) == value


def test_the_after_header_is_parsed_as_it_was_written() -> None:
    after = {"tracking.clicks": 10**18, "labeling.labels": 0}

    assert after_of(after_text(after)) == after
    assert after_of(None) == {}


def test_a_decoder_can_be_created_for_a_registry() -> None:
    value, headers = record(click())

    assert Decoder(EVENTS).decode("tracking.clicks", b"7:12", value, headers).event.contact_id == 12
