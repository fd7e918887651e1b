"""Samples of many contacts at once: the arithmetic of `shared.criteria.sampling`, on arrays."""

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.segmentation.domain.slice import Slice
from shared.criteria.sampling import FIRST_FACTOR, INCREMENT, SECOND_FACTOR, keys_of, threshold

Numbers = NDArray[np.uint64]


def sample(contacts: BitMap, percent: float, seed: str, target: Slice) -> BitMap:
    """Return the contacts (indexes of the slice) that are in the sample of the seed."""
    limit = threshold(percent)
    if limit >= 1 << 64:
        return contacts
    indexes = np.frombuffer(contacts.to_array(), dtype=np.uint32)
    first, second = keys_of(seed)
    ids = indexes.astype(np.uint64) * np.uint64(target.partitions) + np.uint64(target.first_contact)
    numbers = _mixed(_mixed(ids ^ np.uint64(first)) ^ np.uint64(second))
    return BitMap(indexes[numbers < np.uint64(limit)])


def _mixed(values: Numbers) -> Numbers:
    # Arrays wrap around at 2 ** 64, as intended.
    values = values + np.uint64(INCREMENT)
    values = (values ^ values >> np.uint64(30)) * np.uint64(FIRST_FACTOR)
    values = (values ^ values >> np.uint64(27)) * np.uint64(SECOND_FACTOR)
    return values ^ values >> np.uint64(31)
