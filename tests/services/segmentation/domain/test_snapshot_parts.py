"""Parts of snapshots are read completely or refused."""

import pytest
from pyroaring import BitMap

from services.segmentation.domain.slice import Slice
from services.segmentation.domain.snapshot_parts import (
    Damaged,
    dump,
    dump_bitmap,
    is_whole,
    load,
    load_bitmap,
    write_name,
)


def test_every_byte_counts() -> None:
    body = dump_bitmap(BitMap([1, 2, 70_000]))
    assert load_bitmap(body) == BitMap([1, 2, 70_000])
    for place in range(len(body)):
        damaged = bytearray(body)
        damaged[place] ^= 1
        assert not is_whole(bytes(damaged))
        with pytest.raises(Damaged):
            load_bitmap(bytes(damaged))


@pytest.mark.parametrize("cut", [0, 3, 7, 20])
def test_a_part_that_was_cut_off_is_refused(cut: int) -> None:
    image = Slice(1)
    image.known = BitMap([1, 2, 3])
    body = dump(image, ("known",))
    with pytest.raises(Damaged):
        load(Slice(1), write_name(("known",)), body[:cut])


@pytest.mark.parametrize("name", ["", "[]", "7", '["unheard of"]', '["label","x"]'])
def test_a_part_of_no_known_kind_is_refused(name: str) -> None:
    image = Slice(1)
    image.known = BitMap([1])
    with pytest.raises(Damaged):
        load(Slice(1), name, dump(image, ("known",)))


def test_kinds_that_there_are_not_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="kind"):
        dump(Slice(1), ("unheard of",))
