"""Names that look the same are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.labels import label_name, name_key
from services.labeling.domain.text import comparison_key, tidy


@pytest.mark.parametrize(
    "text",
    [
        "Spring\u00a0sale",
        "Spring  sale",
        "\u200bSpring sale",
        "Spring\u200b sale\ufeff",
        "Sp\u00adring sale",
        "\u202eSpring sale\u202c",
        "Spring\u3000sale\u2060",
        "Spring\u3164sale",
    ],
)
def test_invisible_characters_and_unusual_spaces_are_removed(text: str) -> None:
    assert label_name(text) == "Spring sale"
    assert name_key(text) == name_key("spring SALE")


@pytest.mark.parametrize("text", ["\u200b", "\u00ad\u00a0", "\u2800", "\u202e\u202c", "\u200d", "\ufe0f"])
def test_a_name_without_visible_characters_is_rejected(text: str) -> None:
    with pytest.raises(InvalidError):
        label_name(text)


def test_emoji_are_unchanged() -> None:
    assert tidy("\U0001f468\u200d\U0001f33e farmer") == "\U0001f468\u200d\U0001f33e farmer"


@given(st.text(max_size=60))
def test_tidying_is_idempotent(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
    assert comparison_key(tidy(text)) == comparison_key(text)
