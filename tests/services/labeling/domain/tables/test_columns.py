"""Columns are recognised by their headers and values."""

from typing import Any

import pytest

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field
from services.labeling.domain.tables.columns import recognise
from services.labeling.domain.tables.headers import key_from, known_target

FIELDS = {"city": Field("city", "Stad", "text"), "first_name": Field("first_name", "First name", "text")}


def mapping(*rows: list[str]) -> dict[str | None, Any]:
    table = recognise(rows, FIELDS)
    return {column.header: column.maps_to for column in table.columns}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("E-mail", "email"),
        ("E-mailadres", "email"),
        ("Adresse électronique", "email"),
        ("Courriel", "email"),
        ("E-Mail-Adresse", "email"),
        ("Interesselabels", "labels"),
        ("interest labels", "labels"),
        ("Tags", "labels"),
        ("Centres d'intérêt", "labels"),
        ("Interessen", "labels"),
        ("Klantnummer", "external_id"),
        ("external_id", "external_id"),
        ("N° client", "external_id"),
        ("Taal", "language"),
        ("Nieuwsbrief", "subscription"),
        ("Opmerking", None),
    ],
)
def test_headers_are_recognised_in_four_languages(header: str, expected: str | None) -> None:
    assert known_target(header) == expected


def test_the_columns_of_a_typical_dutch_file_are_recognised() -> None:
    found = mapping(
        ["Voornaam", "E-mailadres", "Geboortedatum", "Interesselabels", "Gemeente", "Bedrag", "Leeg"],
        ["Ann", "ann@example.com", "13/05/1990", "Honden, Katten", "Gent", "12,5", ""],
        [],
        ["Bob", "bob@example.com", "2/6/1985", "Honden", "Brugge", "7,25", ""],
    )
    assert found == {
        "Voornaam": {"field": "first_name"},
        "E-mailadres": "email",
        "Geboortedatum": {"new_field": {"key": "birthday", "name": "Geboortedatum", "type": "date"}},
        "Interesselabels": "labels",
        "Gemeente": {"field": "city"},
        "Bedrag": {"new_field": {"key": "bedrag", "name": "Bedrag", "type": "number"}},
        "Leeg": None,
    }


def test_unambiguous_values_determine_the_date_order_and_decimal_separator() -> None:
    table = recognise([["e-mail", "d", "n"], ["a@x.be", "1/2/1990", "1,5"], ["b@x.be", "31/1/1990", "2,75"]], {})
    assert (table.dates, table.decimal, table.header) == ("day_first", ",", 0)
    table = recognise([["e-mail", "d", "n"], ["a@x.be", "1/31/1990", "1.5"]], {})
    assert (table.dates, table.decimal) == ("month_first", ".")


def test_a_file_without_a_header_is_recognised_by_its_content() -> None:
    table = recognise([["Ann", "ann@example.com"], ["Bob", "bob@example.com"]], {})
    assert table.header is None
    assert [(column.header, column.maps_to) for column in table.columns] == [(None, None), (None, "email")]


def test_two_rows_of_headers_are_rejected() -> None:
    with pytest.raises(InvalidError, match="2 rows above the first contact"):
        recognise(
            [["Persoon", "", "Adres"], ["Naam", "E-mail", "Stad"], ["Ann", "a@x.be", "G"], ["Bo", "b@x.be", "B"]], {}
        )


def test_the_columns_of_an_export_are_recognised() -> None:
    found = mapping(
        ["contact_id", "email", "city", "interesselabels", "clicks:1f"], ["1", "a@x.be", "Gent", "Dogs", "3"]
    )
    assert found == {
        "contact_id": None, "email": "email", "city": {"field": "city"}, "interesselabels": "labels", "clicks:1f": None,
    }  # fmt: skip


def test_each_column_maps_to_a_different_field() -> None:
    found = mapping(["Email", "Stad", "Stad 2", "stad"], ["a@x.be", "Gent", "Gent", "Gent"])
    keys = [target.get("field") or target["new_field"]["key"] for target in found.values() if isinstance(target, dict)]
    assert len(set(keys)) == len(keys) == 3


def test_the_key_of_a_new_field_is_derived_from_its_header() -> None:
    assert key_from("Favourite Café 2024") == "favourite_cafe_2024"
    assert key_from("2024") == "field_2024"
    assert key_from("猫") == "column"
    assert len(key_from("a" * 80)) == 50


def test_blank_rows_are_rejected() -> None:
    with pytest.raises(InvalidError, match="no rows"):
        recognise([[], ["", " "]], {})
