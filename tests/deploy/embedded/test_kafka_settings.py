"""Settings of the embedded Kafka may contain any text, such as the name of any folder."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.kafka import as_property


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_property_value_round_trips(value: str) -> None:
    written = as_property(value)
    assert written.isascii()
    assert "\n" not in written
    # `java.util.Properties` reads UTF-16 units, which `\u` names.
    units = written.encode().decode("unicode_escape")
    assert units.encode("utf-16-le", "surrogatepass").decode("utf-16-le") == value


def test_a_folder_beyond_latin_1_is_written_with_escapes() -> None:
    assert as_property("/home/žofie/🐕") == "/home/\\u017eofie/\\ud83d\\udc15"
