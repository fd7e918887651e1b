"""The type and the encoding of a file are detected, and other files are rejected with a reason."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.tables.encodings import Encoding, byte_length, decode, encoding_of, mark_length
from services.labeling.domain.tables.signatures import container_of

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n \t", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "JPEG"),
        (b"%PDF-1.7\n%\xe2\xe3\x00\x01\x02\x03", "PDF"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"PK\x03\x04 word/document.xml", "document"),
        (b"PK\x03\x04 other", "ZIP"),
        (b"\x1f\x8b\x08\x00\x00", "compressed"),
        (b"<!DOCTYPE html><table>", "HTML"),
        (bytes(range(256)) * 4, "not a table"),
    ],
)
def test_a_file_that_is_not_a_table_is_rejected_with_its_type(head: bytes, reason: str) -> None:
    with pytest.raises(InvalidError, match=reason):
        container_of(head)


def test_tables_are_recognised() -> None:
    assert container_of(b"PK\x03\x04 [Content_Types].xml", b"xl/workbook.xml") == "xlsx"
    assert container_of(OLE) == "xls"
    assert container_of(b"a;b\n1;2") == "text"
    assert container_of("a;b\n1;2".encode("utf-16-le")) == "text"
    assert container_of(b"BMW;e-mail\nx;a@x.be") == "text"
    assert container_of(b"MZ;e-mail\nx;a@x.be") == "text"


@pytest.mark.parametrize(
    ("content", "is_utf_8", "expected"),
    [
        ("é".encode(), True, "utf-8"),
        (codecs.BOM_UTF8 + b"a", True, "utf-8-sig"),
        ("é;a".encode("cp1252"), False, "windows-1252"),
        (codecs.BOM_UTF16_LE + "a;b".encode("utf-16-le"), False, "utf-16-le"),
        (codecs.BOM_UTF16_BE + "a;b".encode("utf-16-be"), False, "utf-16-be"),
        ("name;e-mail".encode("utf-16-le"), True, "utf-16-le"),
    ],
)
def test_the_encoding_is_detected(content: bytes, *, is_utf_8: bool, expected: Encoding) -> None:
    assert encoding_of(content, is_utf_8=is_utf_8) == expected


@given(st.text(), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]), st.integers(0, 5))
def test_a_piece_may_end_within_a_character(text: str, encoding: Encoding, cut: int) -> None:
    content = text.encode(encoding)
    piece = content[: max(0, len(content) - cut)]
    decoded, length = decode(piece, encoding)
    assert text.startswith(decoded)
    assert length == byte_length(decoded, encoding)


def test_undefined_bytes_of_windows_1252_become_control_characters() -> None:
    assert decode(b"a\x81\x80", "windows-1252") == ("a\x81€", 3)


def test_an_invalid_utf_8_byte_has_length_one() -> None:
    decoded, length = decode(b"a\xe9b", "utf-8")
    assert (length, byte_length(decoded, "utf-8")) == (3, 3)


def test_only_a_byte_order_mark_at_the_beginning_has_a_length() -> None:
    assert mark_length(codecs.BOM_UTF8 + b"a", "utf-8-sig") == 3
    assert mark_length(b"a\x00", "utf-16-le") == 0
