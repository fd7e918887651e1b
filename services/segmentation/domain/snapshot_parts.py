"""The parts of a slice, which a snapshot stores separately, so that only changed parts are written.

    ("known",)                    the known contacts
    ("label", label)              the contacts that hold it, and since which day
    ("field", key)                its values
    ("attribute", name)           the values of an attribute that every contact has
    ("created",)                  the day on which each contact was created
    ("refused", label)            the contacts who took it away themselves
    ("days", block, *name)        a settled tally's days of about a month
    ("loose", bucket)             the loose tallies of that bucket

A part is a header in JSON and bitmaps, each with its length before it, and a checksum in front of all.
"""

import json
import struct
from array import array
from collections.abc import Iterable, Iterator
from typing import Any
from zlib import crc32

from pyroaring import BitMap

from services.segmentation.domain.column import Column
from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.slice import Name, Slice, block_of, bucket_of
from services.segmentation.domain.unindexed_texts import UnindexedTexts

_LENGTH = struct.Struct(">I")


class Damaged(Exception):
    """A snapshot cannot be read; the slice must be built again."""


def write_name(part: Name) -> str:
    """Return the name of a part as text."""
    return json.dumps(part, ensure_ascii=False, separators=(",", ":"))


def dump(source: Slice, part: Name) -> bytes:
    """Return the part as bytes; for loose tallies see `dump_loose`."""
    kind = part[0]
    if kind == "known":
        return pack(None, [source.known])
    if kind == "label":
        return pack(None, _dump_ordered(source.labels[_integer(part[1])]))
    if kind == "field":
        return _dump_column(source.columns[str(part[1])])
    if kind == "attribute":
        return _dump_column(source.attributes[str(part[1])])
    if kind == "created":
        return pack(None, _dump_ordered(source.created))
    if kind == "refused":
        return pack(None, [source.refused[_integer(part[1])]])
    if kind == "days":
        tally = source.tallies[part[2:]]
        days = sorted(day for day in tally.days if block_of(day) == part[1])
        return pack([[day, len(tally.days[day])] for day in days], (plane for day in days for plane in tally.days[day]))
    raise ValueError(f"there are no parts of kind {kind}")


def dump_loose(source: Slice, buckets: Iterable[int]) -> dict[Name, bytes]:
    """Return the parts of loose tallies in one pass: separately, each would scan all tallies."""
    by_bucket: dict[int, list[Any]] = {bucket: [] for bucket in buckets}
    for name, tally in source.tallies.items() if by_bucket else ():
        if tally.loose is not None:
            bucket = bucket_of(name)
            if bucket in by_bucket:
                by_bucket[bucket].append([list(name), list(tally.loose)])
    return {("loose", bucket): pack(loose, ()) for bucket, loose in by_bucket.items()}


def dump_changed(source: Slice) -> dict[Name, bytes]:
    """Return every part that has changed since `source.changed` was cleared."""
    buckets = [_integer(part[1]) for part in source.changed if part[0] == "loose"]
    parts = dump_loose(source, buckets) | {
        part: dump(source, part) for part in sorted(source.changed, key=repr) if part[0] != "loose"
    }
    source.sizes.update((part, _size(source, part, body)) for part, body in parts.items())
    return parts


def load(target: Slice, part_name: str, body: bytes) -> None:
    """Load a dumped part into a slice that does not have it yet. Raises Damaged."""
    try:
        part: Name = tuple(json.loads(part_name))
        header, bitmaps = unpack(body)
        _load(target, part, header, bitmaps)
        target.sizes[part] = _size(target, part, body)
    except (ValueError, KeyError, IndexError, TypeError, StopIteration, struct.error) as error:
        raise Damaged(f"part {part_name[:100]}") from error


def _load(target: Slice, part: Name, header: Any, bitmaps: Iterator[BitMap]) -> None:  # noqa: ANN401 (JSON)
    match part[0]:
        case "known":
            target.known = next(bitmaps)
        case "label":
            target.labels[_integer(part[1])] = _load_ordered(list(bitmaps))
        case "refused":
            target.refused[_integer(part[1])] = next(bitmaps)
        case "field":
            target.columns[str(part[1])] = _load_column(header, bitmaps)
        case "attribute":
            target.attributes[str(part[1])] = _load_column(header, bitmaps)
        case "created":
            target.created = _load_ordered(list(bitmaps))
        case _:
            _load_tallies(target, part, header, bitmaps)


def _load_tallies(target: Slice, part: Name, header: Any, bitmaps: Iterator[BitMap]) -> None:  # noqa: ANN401 (JSON)
    if part[0] == "days":
        tally = target.tally(part[2:])
        tally.loose = None
        for day, levels in header:
            tally.days[day] = [next(bitmaps) for _ in range(levels)]
    elif part[0] == "loose":
        for name, packed in header:
            target.tally(tuple(name)).loose = array("Q", packed)
    else:
        raise ValueError(part[0])


def _size(source: Slice, part: Name, body: bytes) -> int:
    # Measured: a bitmap takes about its written size and 200 bytes; a loose tally 400 bytes, and a text without a
    # bitmap 80 bytes more than its characters.
    overhead = 200 * (sum(1 for _ in _chunks(body)) - 1)
    if part[0] == "loose":
        overhead += 400 * body.count(b"]],[[")
    elif part[0] in ("field", "attribute"):
        columns = source.columns if part[0] == "field" else source.attributes
        overhead += 80 * len(columns[str(part[1])].unindexed.by_contact)
    return len(body) + overhead


def _integer(value: str | int | None) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value


def _dump_ordered(index: Ordered) -> list[BitMap]:
    return [index.present, *index.planes]


def _load_ordered(bitmaps: list[BitMap]) -> Ordered:
    index = Ordered()
    index.present, *index.planes = bitmaps
    return index


def _dump_column(column: Column) -> bytes:
    days, numbers = _dump_ordered(column.days), _dump_ordered(column.numbers)
    anniversaries = _dump_ordered(column.anniversaries)
    header = {
        "texts": list(column.texts),
        "others": list(column.unindexed.by_contact.items()),
        "days": len(days),
        "numbers": len(numbers),
        "anniversaries": len(anniversaries),
    }
    return pack(header, [*column.texts.values(), *days, *numbers, *anniversaries, *column.booleans])


def _load_column(header: Any, bitmaps: Iterator[BitMap]) -> Column:  # noqa: ANN401 (JSON)
    column = Column()
    column.texts = {text: next(bitmaps) for text in header["texts"]}
    column.unindexed = UnindexedTexts(dict(header["others"]))
    column.days = _load_ordered([next(bitmaps) for _ in range(header["days"])])
    column.numbers = _load_ordered([next(bitmaps) for _ in range(header["numbers"])])
    column.anniversaries = _load_ordered([next(bitmaps) for _ in range(header["anniversaries"])])
    column.booleans = (next(bitmaps), next(bitmaps))
    return column


def dump_bitmap(bitmap: BitMap) -> bytes:
    """Return a bitmap as bytes with a checksum."""
    return pack(None, [bitmap])


def load_bitmap(body: bytes) -> BitMap:
    """Return the bitmap from the bytes that `dump_bitmap` wrote. Raises Damaged."""
    try:
        return next(unpack(body)[1])
    except (ValueError, StopIteration, struct.error) as error:
        raise Damaged("bitmap") from error


def pack(header: object, bitmaps: Iterable[BitMap]) -> bytes:
    """Return a header (JSON) and bitmaps as bytes with a checksum."""
    chunks = [json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")]
    chunks.extend(bitmap.serialize() for bitmap in bitmaps)
    body = b"".join(piece for chunk in chunks for piece in (_LENGTH.pack(len(chunk)), chunk))
    return _LENGTH.pack(crc32(body)) + body


def has_valid_checksum(body: bytes) -> bool:
    """Return whether the checksum at the beginning of the bytes is right."""
    return len(body) >= 2 * _LENGTH.size and crc32(memoryview(body)[_LENGTH.size :]) == _LENGTH.unpack_from(body)[0]


def unpack(body: bytes) -> tuple[Any, Iterator[BitMap]]:
    """Return the header and the bitmaps that `pack` wrote. Raises ValueError if the checksum is wrong."""
    if not has_valid_checksum(body):
        raise ValueError("the checksum is wrong")
    chunks = _chunks(body)
    header = json.loads(next(chunks).decode("utf-8", "surrogatepass"))
    return header, (BitMap.deserialize(chunk) for chunk in chunks)


def _chunks(body: bytes) -> Iterator[bytes]:
    offset = _LENGTH.size
    while offset < len(body):
        (length,) = _LENGTH.unpack_from(body, offset)
        offset += _LENGTH.size
        yield body[offset : offset + length]
        offset += length
