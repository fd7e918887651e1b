"""Reports of clicks and engagements are validated."""

import json
import math

import pytest
from pydantic import ValidationError

from shared.events.intake import DATA_BYTES, ClickReport, EngagementReported
from tests.shared.events.examples import CLICK_REPORT, ENGAGEMENT_REPORT


def engagement(**changes: object) -> EngagementReported:
    return EngagementReported.model_validate(ENGAGEMENT_REPORT | changes)


def test_a_report_without_a_contact_is_rejected() -> None:
    report = {key: value for key, value in CLICK_REPORT.items() if key != "external_id"}

    with pytest.raises(ValidationError, match="contact_id, external_id or email"):
        ClickReport.model_validate(report)
    assert ClickReport.model_validate(report | {"contact_id": 1, "email": "a@b.example"}).contact_id == 1


@pytest.mark.parametrize(
    "data",
    [
        {"text": "x" * DATA_BYTES},
        {"deep": [{"text": "a\x00b"}]},
        {"a\x00b": 1},
        {"number": math.inf},
        {"numbers": [math.nan]},
    ],
)
def test_data_that_cannot_be_stored_is_rejected(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="data"):
        engagement(data=data)


def test_valid_data_is_not_changed() -> None:
    data = {"answers": [{"question": 1, "text": "Één hond"}], "done": True, "score": 1.5, "rest": None}

    assert engagement(data=data).data == data


@pytest.mark.parametrize(
    "attributes",
    [
        {f"name-{number}": 1 for number in range(21)},
        {"": 1},
        {"nested": {"a": 1}},
        {"list": [1]},
        {"null": None},
        {"infinite": math.inf},
        {"long": "x" * 1001},
    ],
)
def test_attributes_other_than_up_to_twenty_scalars_are_rejected(attributes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="attributes"):
        engagement(attributes=attributes)


def test_attributes_keep_their_types() -> None:
    attributes = {"yes": True, "count": 3, "price": 1.5, "name": "Rex"}

    read = EngagementReported.model_validate_json(json.dumps(ENGAGEMENT_REPORT | {"attributes": attributes}))

    assert [type(value) for value in read.attributes.values()] == [bool, int, float, str]
    assert read.attributes == attributes
