"""The references of a criterion must exist and be of the right type."""

from uuid import UUID

import pytest

from shared.criteria import Criterion, Existence, parse, validate
from shared.events.labeling import FieldType

DOGS, DELETED, MERGED, UNKNOWN, SEGMENT = (UUID(int=number) for number in range(1, 6))
TYPES: dict[str, FieldType] = {"city": "text", "age": "number", "born": "date", "vip": "boolean", "pet": "choice"}


class KnownThings:
    def label(self, label_id: UUID) -> Existence:
        known: dict[UUID, Existence] = {DOGS: "known", DELETED: "deleted", MERGED: "merged"}
        return known.get(label_id, "unknown")

    def message(self, message_id: UUID) -> Existence:
        return "known" if message_id == DOGS else "unknown"

    def link(self, link_id: UUID) -> Existence:
        return "known" if link_id == DOGS else "unknown"

    def field(self, key: str) -> tuple[FieldType, tuple[str, ...]] | None:
        return (TYPES[key], ("Dog", "Cat") if key == "pet" else ()) if key in TYPES else None

    def segment(self, segment_id: UUID) -> Criterion | None:
        return parse({"label": str(DOGS)}) if segment_id == SEGMENT else None


@pytest.mark.parametrize(
    "value",
    [
        {"label": str(DOGS)},
        {"segment": str(SEGMENT)},
        {"clicks": {"message": str(DOGS)}},
        {"clicks": {"url": "https://anything.example"}},
        {"field": {"key": "city", "starts_with": "G"}},
        {"field": {"key": "age", "between": [1, 2.5]}},
        {"field": {"key": "born", "between": ["2026-01-01", "2026-12-31"]}},
        {"field": {"key": "born", "before": "2026-01-01"}},
        {"field": {"key": "born", "is": "2026-01-01"}},
        {"field": {"key": "vip", "is": False}},
        {"field": {"key": "vip", "exists": False}},
        {"field": {"key": "pet", "in": ["Dog", "dog"]}},
    ],
)
def test_valid_references_have_no_faults(value: dict[str, object]) -> None:
    assert validate(parse(value), KnownThings()) == ()


@pytest.mark.parametrize(
    ("value", "pointer", "word"),
    [
        ({"label": str(UNKNOWN)}, "/label/id", "there is no label"),
        ({"all": [{"label": {"any_of": [str(DOGS), str(DELETED)]}}]}, "/all/0/label/any_of/1", "deleted"),
        ({"clicks": {"label": str(MERGED)}}, "/clicks/label", "merged"),
        ({"clicks": {"link": str(UNKNOWN)}}, "/clicks/link", "no link"),
        ({"not": {"engaged": {"kind": "x", "message": str(UNKNOWN)}}}, "/not/engaged/message", "no message"),
        ({"segment": str(UNKNOWN)}, "/segment/id", "no segment"),
        ({"field": {"key": "town", "is": "Gent"}}, "/field/key", "no field"),
        ({"field": {"key": "city", "is": 3}}, "/field/is", "a text"),
        ({"field": {"key": "city", "less_than": 3}}, "/field/less_than", "cannot be used"),
        ({"field": {"key": "age", "in": [1, True]}}, "/field/in/1", "a number"),
        ({"field": {"key": "age", "between": ["2026-01-01", "2026-01-02"]}}, "/field/between/0", "a number"),
        ({"field": {"key": "age", "between": [10, 9]}}, "/field/between", "greater"),
        ({"field": {"key": "born", "between": ["2026-02-01", "2026-01-31"]}}, "/field/between", "greater"),
        ({"field": {"key": "pet", "is": "Cow"}}, "/field/is", "no such choice"),
        ({"field": {"key": "pet", "in": ["dog", "Cow"]}}, "/field/in/1", "no such choice"),
        ({"field": {"key": "age", "starts_with": "1"}}, "/field/starts_with", "cannot be used"),
        ({"field": {"key": "born", "is": "soon"}}, "/field/is", "a day"),
        ({"field": {"key": "vip", "is_not": "yes"}}, "/field/is_not", "true or false"),
    ],
)
def test_a_fault_has_the_pointer_and_the_reason(value: dict[str, object], pointer: str, word: str) -> None:
    fault = validate(parse(value), KnownThings())[0]
    assert fault.pointer == pointer
    assert word in fault.detail


@pytest.mark.parametrize(
    ("part", "most"),
    [
        ({"top_label": {"id": str(DOGS)}}, 4),
        ({"clicks": {"url_starts_with": "https://"}}, 8),
        ({"field": {"key": "city", "starts_with": "G"}}, 4),
        ({"field": {"key": "city", "in": [f"city {number}" for number in range(1000)]}}, 2),
        ({"clicks": {"label": str(DOGS)}}, 98),
    ],
)
def test_criteria_that_take_too_long_to_count_are_rejected(part: dict[str, object], most: int) -> None:
    assert validate(parse({"any": [part] * most}), KnownThings()) == ()
    if most < 98:
        [fault] = validate(parse({"any": [part] * (most + 1)}), KnownThings())
        assert (fault.pointer, "too long to count" in fault.detail) == ("", True)
        # A criterion stored before the limit existed stays valid.
        assert validate(parse({"any": [part] * (most + 1)}), KnownThings(), writing=False) == ()
