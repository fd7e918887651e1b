"""Parts of snapshots are read completely or rejected."""

import pytest
from pyroaring import BitMap

from services.segmentation.domain.slice import Slice
from services.segmentation.domain.snapshot_parts import (
    Damaged,
    dump,
    dump_bitmap,
    has_valid_checksum,
    load,
    load_bitmap,
    write_name,
)


def test_a_change_of_any_byte_is_detected() -> None:
    body = dump_bitmap(BitMap([1, 2, 70_000]))
    assert load_bitmap(body) == BitMap([1, 2, 70_000])
    for place in range(len(body)):
        damaged = bytearray(body)
        damaged[place] ^= 1
        assert not has_valid_checksum(bytes(damaged))
        with pytest.raises(Damaged):
            load_bitmap(bytes(damaged))


@pytest.mark.parametrize("cut", [0, 3, 7, 20])
def test_a_truncated_part_is_rejected(cut: int) -> None:
    image = Slice(1)
    image.known = BitMap([1, 2, 3])
    body = dump(image, ("known",))
    with pytest.raises(Damaged):
        load(Slice(1), write_name(("known",)), body[:cut])


@pytest.mark.parametrize("name", ["", "[]", "7", '["unheard of"]', '["label","x"]'])
def test_a_part_of_an_unknown_kind_is_rejected(name: str) -> None:
    image = Slice(1)
    image.known = BitMap([1])
    with pytest.raises(Damaged):
        load(Slice(1), name, dump(image, ("known",)))


def test_a_part_of_an_unknown_kind_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="kind"):
        dump(Slice(1), ("unheard of",))
