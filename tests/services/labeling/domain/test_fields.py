"""Typed values of fields."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field, field_choices, field_key, field_value, merged
from shared.events.labeling import Scalar

CITY = Field("city", "City", "text")
AGE = Field("age", "Age", "number")
BORN = Field("born", "Born", "date")
VIP = Field("vip", "VIP", "boolean")
SIZE = Field("size", "Size", "choice", ("Small", "Large"))
FIELDS = {field.key: field for field in (CITY, AGE, BORN, VIP, SIZE)}


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        (CITY, "Gent", "Gent"),
        (CITY, "Cafe\u0301", "Café"),
        (AGE, 7, 7),
        (AGE, -1.5, -1.5),
        (BORN, "2000-02-29", "2000-02-29"),
        (VIP, True, True),
        (SIZE, "large", "Large"),
    ],
)
def test_valid_values_are_accepted_and_normalised(field: Field, value: object, stored: Scalar) -> None:
    assert field_value(field, value) == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (CITY, 1),
        (CITY, "x" * 1001),
        (CITY, "a\0b"),
        (AGE, "7"),
        (AGE, True),
        (AGE, float("nan")),
        (AGE, 1e300),
        (BORN, "29-02-2000"),
        (BORN, "2001-02-29"),
        (BORN, "20010228"),
        (BORN, 20010228),
        (VIP, "true"),
        (VIP, 1),
        (SIZE, "Medium"),
        (SIZE, ["Small"]),
    ],
)
def test_invalid_values_are_rejected(field: Field, value: object) -> None:
    with pytest.raises(InvalidError):
        field_value(field, value)


def test_a_merge_sets_clears_and_keeps_values() -> None:
    after = merged({"city": "Gent", "age": 3}, {"city": None, "vip": False}, FIELDS)
    assert after == {"age": 3, "vip": False}


@pytest.mark.parametrize(
    ("patch", "pointer"), [({"nope": 1}, "/nope"), ({"a/b~c": None}, "/a~1b~0c"), ({"age": "x"}, "/age")]
)
def test_a_merge_rejects_an_invalid_field_with_a_pointer(patch: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidError) as problem:
        merged({}, patch, FIELDS)
    assert problem.value.pointer == pointer


@pytest.mark.parametrize("key", ["city", "a", "first_name_2"])
def test_valid_keys_are_accepted(key: str) -> None:
    assert field_key(key) == key


@pytest.mark.parametrize("key", ["", "City", "2nd", "_x", "a-b", "a" * 51, "é", "a\n"])
def test_invalid_keys_are_rejected(key: str) -> None:
    with pytest.raises(InvalidError):
        field_key(key)


def test_only_choice_fields_have_choices() -> None:
    assert field_choices("choice", [" Small", "Large "]) == ("Small", "Large")
    assert field_choices("text", []) == ()
    for field_type, choices in [("text", ["a"]), ("choice", []), ("choice", ["a", "A"]), ("choice", [""])]:
        with pytest.raises(InvalidError):
            field_choices(field_type, choices)  # type: ignore[arg-type] # the loop widens the literal


json = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers())


@given(st.sampled_from(list(FIELDS.values())), json)
def test_any_value_is_rejected_or_stored_and_a_stored_value_is_accepted(field: Field, value: object) -> None:
    try:
        stored = field_value(field, value)
    except InvalidError:
        return
    assert field_value(field, stored) == stored
