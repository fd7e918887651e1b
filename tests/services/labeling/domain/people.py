"""Generated contacts of an account, for property-based tests."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.labeling.domain.exports import ExportedContact
from services.labeling.domain.fields import Field, field_value
from services.labeling.domain.labels import label_name

TODAY = date(2026, 11, 25)
LABELS = {
    UUID(int=number): label_name(name)
    for number, name in enumerate(["Dogs", "Cats; kittens", "=Birds", "'quoted'", "Fïsh & chips", "+32"], 1)
}
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffd"), max_size=12)
_VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "text": _TEXT,
    "number": st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15, allow_nan=False),
    "date": st.dates().map(date.isoformat),
    "boolean": st.booleans(),
}


@st.composite
def contacts(draw: st.DrawFn, fields: Mapping[str, Field]) -> ExportedContact:
    """Generate a contact with values of some fields and with some labels."""
    values = {
        key: field_value(field, draw(_VALUES[field.type])) for key, field in fields.items() if draw(st.booleans())
    }
    return ExportedContact(
        draw(st.integers(1, 2**32 - 1)),
        draw(st.none() | st.from_regex(r"[!-~]([ -~]{0,6}[!-~])?", fullmatch=True)),
        draw(st.from_regex(r"[a-z=+-]{1,5}@example\.com", fullmatch=True)),
        draw(st.sampled_from(["subscribed", "unconfirmed", "unsubscribed", "bounced", "blocked"])),
        draw(st.none() | st.sampled_from(["nl", "fr-BE"])),
        values,
        {label_id: (True, 0, None) for label_id in LABELS if draw(st.booleans())},
    )
