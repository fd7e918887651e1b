"""Exports contain the right contacts, and an import reads them back without loss."""

import asyncio
import csv
import io
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.labeling.domain.errors import InvalidError, StateError
from services.labeling.domain.exports import ExportedContact, Format, RowWriter
from services.labeling.domain.fields import Field, field_value
from services.labeling.domain.imports.options import Options, targets_of
from services.labeling.domain.imports.rows import ParsedRow, RowReader
from services.labeling.domain.labels import name_key
from services.labeling.domain.tables.cells import Decimal, Spelling
from services.labeling.domain.tables.reading import read_piece, recognise_text
from services.labeling.domain.tables.spreadsheets import rows_of
from services.labeling.store.exports import Export, export_of_id
from services.labeling.store.files import stream_file
from services.labeling.store.segment_members import Segment, write_members
from services.labeling.use_cases import exports
from services.labeling.use_cases.erasure import erase_contact
from services.labeling.use_cases.exports import create_export, file_of
from tests.services.labeling.domain.people import LABELS, TODAY, contacts
from tests.services.labeling.importing import contact_of, imported
from tests.services.labeling.shop import Shop

FIELDS = {
    "city": Field("city", "City", "text"),
    "size": Field("size", "Size", "number"),
    "born": Field("born", "Born", "date"),
    "vip": Field("vip", "VIP", "boolean"),
}
COLUMNS = ["external_id", "email", "subscription", "language", *FIELDS, "interesselabels"]


def read_back(format_: Format, content: bytes) -> list[ParsedRow]:
    decimal: Decimal = "," if format_ == "csv_excel" else "."
    recognised, table = recognise_text(content, FIELDS, kind="csv", is_utf_8=True, is_last=True)
    rows = [row for row in read_piece(recognised, content[recognised.skip :], is_last=True).rows if row]
    columns = [{"index": column.index, "maps_to": column.maps_to} for column in table.columns]
    names = {name_key(name): label_id for label_id, name in LABELS.items()}
    reader = RowReader(
        targets_of(columns), Options(), FIELDS, names, Spelling("iso", decimal, TODAY), len(table.columns)
    )
    header = recognised.header
    assert all(isinstance(row, list) for row in rows)
    return [reader.read(row) for row in rows[header:] if isinstance(row, list)]


def expected(contact: ExportedContact) -> tuple[Any, ...]:
    held = {label_id for label_id, (is_held, _, _) in contact.labels.items() if is_held}
    return contact.external_id, contact.email, contact.subscription, contact.language, dict(contact.fields), held


def read(row: ParsedRow) -> tuple[Any, ...]:
    assert row.problems == ()
    return row.external_id, row.email, row.subscription, row.language, row.fields, set(row.label_ids)


@pytest.mark.parametrize("format_", ["csv", "csv_excel", "ndjson"])
@settings(max_examples=60, deadline=None)
@given(exported_contacts=st.lists(contacts(FIELDS), min_size=1, max_size=4))
def test_exported_rows_are_read_back_unchanged(format_: Format, exported_contacts: list[ExportedContact]) -> None:
    writer = RowWriter(format_, COLUMNS, LABELS)
    # The first row has a value in every column, so that every column is recognised.
    first = ExportedContact(
        1, "first", "first@example.com", "subscribed", "nl",
        {"city": "Gent", "size": 1, "born": "1990-01-02", "vip": True}, dict.fromkeys(LABELS, (True, 0, None)),
    )  # fmt: skip
    rows = read_back(format_, writer.head() + writer.write([first, *exported_contacts]))
    assert [read(row) for row in rows[1:]] == [expected(contact) for contact in exported_contacts]


async def file_content(shop: Shop, export: Export) -> bytes:
    found = await export_of_id(shop.database.pool, shop.account_id, export.id)
    assert found is not None
    return b"".join([piece async for piece in stream_file(shop.database.pool, file_of(found))])


async def exported(shop: Shop, of: dict[str, Any], format_: Format = "csv", columns: list[str] | None = None) -> bytes:
    export = await create_export(shop.database, shop.account_id, of, format_, columns)
    await shop.run_jobs()
    return await file_content(shop, export)


@pytest.mark.asyncio
async def test_exports_the_holders_of_a_label_with_their_clicks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH_SIZE", 3)
    dogs = shop.labels["Dogs"].id
    await shop.write(*({"email": f"p{number}@example.com", "labels": ["Dogs", "Cats"]} for number in range(7)))
    await shop.write({"email": "x@example.com", "labels": ["Cats"]}, {"email": "=cmd@example.com", "labels": ["Dogs"]})
    content = await exported(shop, {"label": dogs}, columns=["email", f"clicks:{dogs}", "interesselabels"])
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert rows[0] == ["email", f"clicks:{dogs}", "interesselabels"]
    assert rows[1] == ["p0@example.com", "0", "Cats,Dogs"]
    assert rows[-1] == ["'=cmd@example.com", "0", "Dogs"]
    assert len(rows) == 9


@pytest.mark.asyncio
async def test_exports_a_spreadsheet_with_text_and_numbers(shop: Shop) -> None:
    await shop.contact(email="ann@example.com", fields={"city": "=1+1", "age": 3.5}, external_id="007")
    content = await exported(shop, {"all": True}, "xlsx", ["external_id", "email", "city", "age"])
    header, row = rows_of(content)
    assert header == ["external_id", "email", "city", "age"]
    assert row == ["007", "ann@example.com", "=1+1", "3.5"]


@pytest.mark.asyncio
async def test_exports_the_contacts_of_a_segment_and_of_an_import(shop: Shop) -> None:
    await shop.write(*({"email": f"p{number}@example.com"} for number in range(5)))
    segment = shop.labels["Dogs"].id
    async with shop.database.transaction() as connection:
        members = {(segment, 0): BitMap([2, 4]), (segment, 1): BitMap([5])}
        await write_members(connection, members, {segment: Segment(shop.account_id, "Some")})
    content = await exported(shop, {"segment": segment}, "ndjson", ["contact_id", "email"])
    assert [orjson.loads(line)["contact_id"] for line in content.splitlines()] == [2, 4, 5]
    found = await imported(shop, b"email\np1@example.com\nnew@example.com\n")
    content = await exported(shop, {"import": found.id}, "csv", ["email"])
    assert content.decode().split() == ["email", "p1@example.com", "new@example.com"]


@pytest.mark.asyncio
async def test_importing_an_export_changes_nothing(shop: Shop) -> None:
    await shop.write(
        {"email": "ann@example.com", "external_id": "1", "fields": {"city": " Gent ", "age": 3.25}, "labels": ["Dogs"]},
        {"email": "bob@example.com", "fields": {"city": "'=x"}, "subscription": "unsubscribed"},
    )
    content = await exported(shop, {"all": True})
    again = await imported(shop, content)
    assert again.result is not None
    assert (again.result["unchanged"], again.result["errors"]) == (2, 0)


@pytest.mark.asyncio
async def test_an_erasure_deletes_the_files_that_contain_the_contact(shop: Shop) -> None:
    ann, bob = await shop.contact(email="ann@example.com"), await shop.contact(email="bob@example.com")
    await shop.write({"email": "ann@example.com", "labels": ["Dogs"]})
    dogs = await create_export(shop.database, shop.account_id, {"label": shop.labels["Dogs"].id}, "csv", None)
    all_contacts = await create_export(shop.database, shop.account_id, {"all": True}, "csv", None)
    await shop.run_jobs()
    await erase_contact(shop.database, shop.account_id, bob)
    assert b"ann@example.com" in await file_content(shop, dogs)
    with pytest.raises(StateError, match="erased"):
        await file_content(shop, all_contacts)
    assert ann != bob


@pytest.mark.asyncio
async def test_unknown_columns_labels_and_imports_are_rejected(shop: Shop) -> None:
    with pytest.raises(InvalidError) as error:
        await create_export(shop.database, shop.account_id, {"all": True}, "csv", ["email", "nothing"])
    assert error.value.pointer == "/columns/1"
    for kind in ("label", "import"):
        with pytest.raises(InvalidError) as error:
            unknown = "00000000-0000-0000-0000-000000000000"
            await create_export(shop.database, shop.account_id, {kind: unknown}, "csv", None)
        assert error.value.pointer == f"/of/{kind}"


@pytest.mark.asyncio
async def test_a_segment_without_members_is_exported_without_contacts(shop: Shop) -> None:
    """Check an unknown segment: labeling cannot distinguish it from one without members."""
    await shop.write({"email": "an@example.com"})
    segment = {"segment": "00000000-0000-0000-0000-000000000000"}
    export = await create_export(shop.database, shop.account_id, segment, "csv", ["email"])
    await shop.run_jobs()
    assert len((await file_content(shop, export)).split()) == 1


@pytest.mark.asyncio
async def test_two_workers_complete_the_same_exports(shop: Shop) -> None:
    await shop.write(*({"email": f"p{number}@example.com"} for number in range(20)))
    made = [await create_export(shop.database, shop.account_id, {"all": True}, "csv", ["email"]) for _ in range(3)]
    await asyncio.gather(shop.run_jobs(), shop.run_jobs())
    for export in made:
        assert len((await file_content(shop, export)).split()) == 21
    assert await contact_of(shop, "p0@example.com")


def test_an_iso_date_is_a_valid_value_of_a_date_field() -> None:
    assert field_value(FIELDS["born"], "1990-01-02") == "1990-01-02"
