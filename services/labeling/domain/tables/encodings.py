"""The encoding of a text file: UTF-8 with or without a mark, UTF-16, or Windows-1252."""

import codecs
from typing import Literal

Encoding = Literal["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "windows-1252"]

_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The five bytes that Windows-1252 does not define are read as control characters, as browsers do.
_UNDEFINED = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def encoding_of(head: bytes, *, is_utf_8: bool) -> Encoding:
    """Return the encoding of a text file, given its beginning. `is_utf_8`: the whole file is valid UTF-8."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    sample = head[:4096]
    nulls = sample.count(0)
    if nulls * 5 >= len(sample):
        return "utf-16-le" if sample[1::2].count(0) >= sample[0::2].count(0) else "utf-16-be"
    return "utf-8" if is_utf_8 else "windows-1252"


def mark_length(head: bytes, encoding: Encoding) -> int:
    """Return the number of bytes of the byte order mark at the beginning of the file."""
    return next((len(mark) for mark, marked in _MARKS if marked == encoding and head.startswith(mark)), 0)


def decode(content: bytes, encoding: Encoding) -> tuple[str, int]:
    """Return the text of `content`, and the number of decoded bytes: an incomplete last character is left over.

    Invalid bytes become lone surrogates, so that only their row is refused.
    """
    if encoding == "windows-1252":
        return _decode_1252(content), len(content)
    codec = "utf-8" if encoding.startswith("utf-8") else encoding
    decoder = codecs.getincrementaldecoder(codec)("surrogateescape" if codec == "utf-8" else "replace")
    text = decoder.decode(content)
    return text, len(content) - len(decoder.getstate()[0])


def byte_length(text: str, encoding: Encoding) -> int:
    """Return the number of bytes of `text` in the file's encoding."""
    if encoding == "windows-1252":
        return len(text)
    if encoding.startswith("utf-16"):
        return 2 * (len(text) + sum(character > "\uffff" for character in text))
    return len(text.encode("utf-8", "surrogateescape"))


def _decode_1252(content: bytes) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(_UNDEFINED.get(byte) or bytes((byte,)).decode("cp1252") for byte in content)


class Utf8Check:
    """Checks piece by piece whether a file is valid UTF-8."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.valid = True

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Check the next piece."""
        if self.valid:
            try:
                self._decoder.decode(piece, last)
            except UnicodeDecodeError:
                self.valid = False
