"""Texts of contacts, for values that have no bitmap of their own."""

from collections.abc import Collection, Iterable, Mapping
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

END = b"\xff"  # no byte of a text in UTF-8 has this value


class _Packed(NamedTuple):
    """The texts as UTF-8, one after the other, each with an `END`: a prefix is compared with all of them at once."""

    contacts: NDArray[np.uint32]
    begins: NDArray[np.int64]
    characters: NDArray[np.uint8]


class UnindexedTexts:
    """At most one text per contact, in the form in which texts compare."""

    __slots__ = ("_packed", "by_contact")

    def __init__(self, by_contact: Mapping[int, str] | None = None) -> None:
        self.by_contact: dict[int, str] = dict(by_contact or {})
        self._packed: _Packed | None = None

    def put(self, contacts: Iterable[int], text: str) -> None:
        """Give a text to contacts, whatever they had before."""
        self.by_contact.update(dict.fromkeys(contacts, text))
        self._packed = None

    def remove(self, contacts: Iterable[int]) -> None:
        """Take the text of contacts away."""
        if not self.by_contact:
            return
        for contact in contacts:
            if self.by_contact.pop(contact, None) is not None:
                self._packed = None

    def pack(self) -> bool:
        """Make what `starting` looks through; return False if it is there already."""
        if self._packed is not None:
            return False
        texts = [text.encode("utf-8", "surrogatepass") for text in self.by_contact.values()]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        begins = np.cumsum(lengths + len(END)) - lengths - len(END)
        characters = np.frombuffer(END.join((*texts, b"")), np.uint8)
        self._packed = _Packed(np.fromiter(self.by_contact, np.uint32, len(texts)), begins, characters)
        return True

    def any_of(self, texts: Collection[str], within: BitMap | None) -> BitMap:
        """Return who has one of the texts. `texts` is a set, or as quick to ask."""
        looked_at = self._looked_at(within)
        # A line of Python for each of a million texts would take twice as long as a function in C.
        return BitMap(list(compress(looked_at, map(texts.__contains__, looked_at.values()))))

    def starting(self, prefix: str, within: BitMap | None) -> BitMap:
        """Return who has a text that starts with `prefix`."""
        looked_at = self._looked_at(within)
        if looked_at is not self.by_contact:
            return BitMap([contact for contact, text in looked_at.items() if text.startswith(prefix)])
        self.pack()
        assert self._packed is not None
        contacts, begins, characters = self._packed
        for distance, character in enumerate(prefix.encode("utf-8", "surrogatepass")):
            # Whoever is left has had the same text so far, so the END of a shorter one is never passed.
            same = characters[begins + distance] == character
            contacts, begins = contacts[same], begins[same]
        return BitMap(contacts)

    def _looked_at(self, within: BitMap | None) -> Mapping[int, str]:
        if within is None or len(within) >= len(self.by_contact):
            return self.by_contact
        return {contact: self.by_contact[contact] for contact in within if contact in self.by_contact}
