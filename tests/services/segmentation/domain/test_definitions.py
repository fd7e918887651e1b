"""Definitions of segments, prepared for evaluation."""

from uuid import UUID

from services.segmentation.domain.definitions import Definitions
from shared.criteria import Criterion, parse

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
LABEL = parse({"label": str(ONE)})


def definitions(zone: str = "UTC", **criteria: Criterion) -> Definitions:
    ids = {"one": ONE, "two": TWO, "three": THREE}
    return Definitions(zone, {ids[name]: (name, criterion) for name, criterion in criteria.items()})


def test_a_fingerprint_changes_with_included_segments_and_the_time_zone() -> None:
    of_two = parse({"not": {"segment": str(ONE)}})
    before = definitions(one=LABEL, two=of_two)
    assert before.all[TWO].fingerprint == definitions(one=LABEL, two=of_two).all[TWO].fingerprint
    changed = definitions(one=parse({"label": str(TWO)}), two=of_two)
    assert before.all[TWO].fingerprint != changed.all[TWO].fingerprint
    assert before.all[TWO].fingerprint != definitions("Asia/Tokyo", one=LABEL, two=of_two).all[TWO].fingerprint


def test_a_segment_that_includes_a_missing_segment_is_broken() -> None:
    found = definitions(one=LABEL, two=parse({"segment": str(THREE)}), three=parse({"segment": str(TWO)}))
    assert (set(found.all), set(found.broken)) == ({ONE}, {TWO, THREE})


def test_finds_only_the_segments_that_a_change_concerns() -> None:
    found = definitions(
        one=LABEL, two=parse({"clicks": {"url_starts_with": "https://"}}), three=parse({"segment": str(ONE)})
    )
    assert {one.segment_id for one in found.concerned([("label", ONE.int)])} == {ONE, THREE}
    assert {one.segment_id for one in found.concerned([("click",)])} == {TWO}
    assert {one.segment_id for one in found.concerned([("known",)])} == {ONE, TWO, THREE}
    assert found.concerned([("field", "city")]) == []


def test_equal_leaves_share_one_object() -> None:
    found = definitions(one=LABEL, two=parse({"all": [{"label": str(ONE)}]}))
    assert found.all[TWO].criterion.parts[0] is found.all[ONE].criterion  # type: ignore[union-attr]


def test_unchanged_definitions_are_reused() -> None:
    of_one = parse({"segment": str(ONE)})
    segments = {ONE: ("one", LABEL), TWO: ("two", parse({"clicks": {}})), THREE: ("three", of_one)}
    before = Definitions("UTC", segments)
    changed = segments | {ONE: ("one", parse({"label": str(TWO)}))}
    after = Definitions("UTC", changed, previous=before)
    fresh = Definitions("UTC", changed)
    assert after.all[TWO] is before.all[TWO]
    assert after.all[THREE].fingerprint != before.all[THREE].fingerprint
    for name in (("label", ONE.int), ("label", TWO.int), ("click",), ("known",)):
        assert {one.fingerprint for one in after.concerned([name])} == {
            one.fingerprint for one in fresh.concerned([name])
        }
    assert Definitions("Asia/Tokyo", segments, previous=before).all[TWO].fingerprint != before.all[TWO].fingerprint


def test_segments_that_include_a_broken_segment_are_broken() -> None:
    segments = {
        ONE: ("one", LABEL),
        TWO: ("two", parse({"not": {"segment": str(ONE)}})),
        THREE: ("three", parse({"any": [{"segment": str(TWO)}, {"all": []}]})),
    }
    found = Definitions("UTC", segments, {ONE: "label 1 was deleted"})
    assert found.all == {}
    assert found.broken == {
        ONE: "label 1 was deleted",
        TWO: f"segment {ONE} is broken",
        THREE: f"segment {TWO} is broken",
    }
