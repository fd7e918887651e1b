"""Recognises the type of a file by its first bytes, and says why a file that is not a table cannot be read."""

from collections.abc import Mapping
from typing import Literal

from services.labeling.domain.errors import InvalidError

Container = Literal["text", "xlsx", "xls", "ods"]

_PICTURES: Mapping[bytes, str] = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "an image or a recording",
    b"BM": "a BMP image",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"%PDF": "a PDF document",
    b"{\\rtf": "an RTF document",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"SQLite format 3": "an SQLite database",
}
_COMPRESSED: tuple[bytes, ...] = (b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def container_of(head: bytes, tail: bytes = b"") -> Container:
    """Return the type of the file, given its beginning and its end.

    Raises InvalidError, with a reason that people understand, if it is not a table.
    """
    if not head.strip(b"\x00\t\n\r \xef\xbb\xbf\xff\xfe"):
        raise InvalidError("the file is empty")
    if head.startswith(b"PK"):
        return _zip_container(head + tail)
    if head.startswith(_OLE):
        return _ole_container(head + tail)
    for signature, name in _PICTURES.items():
        if head.startswith(signature) and not _looks_like_text(head):
            raise InvalidError(f"the file is {name}, not a table; save the table as CSV or XLSX")
    if head.startswith(_COMPRESSED):
        raise InvalidError("the file is compressed; unpack it first")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:5].lower() in (b"<!doc", b"<html", b"<tabl", b"<?xml"):
        raise InvalidError("the file is HTML or XML, not a table; save the table as CSV or XLSX")
    if not head.startswith(_UTF_16) and not _looks_like_text(head):
        raise InvalidError("the file is not a table: it is neither text nor a known type of spreadsheet")
    return "text"


def _zip_container(content: bytes) -> Container:
    if b"xl/workbook" in content or b"xl/worksheets" in content:
        return "xlsx"
    if b"application/vnd.oasis.opendocument.spreadsheet" in content:
        return "ods"
    if b"word/document" in content or b"ppt/presentation" in content:
        raise InvalidError("the file is a document or a presentation, not a table; save the table as CSV or XLSX")
    raise InvalidError("the file is a ZIP archive; unpack it first")


def _ole_container(content: bytes) -> Container:
    if _ENCRYPTED in content:
        raise InvalidError("the file is protected by a password; save it without one")
    return "xls"


def _looks_like_text(head: bytes) -> bool:
    """Return whether the bytes may be text: without NUL, or with NUL in every other place, as in UTF-16."""
    sample = head[:4096]
    nulls = sample.count(0)
    if nulls == 0:
        controls = sum(byte < 32 and byte not in (9, 10, 11, 12, 13, 26, 27) for byte in sample)
        return controls * 100 <= len(sample)
    return max(sample[0::2].count(0), sample[1::2].count(0)) * 5 >= len(sample)
