"""Texts of contacts, for values without a bitmap."""

from collections.abc import Collection, Iterable, Mapping
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

END = b"\xff"  # never occurs in UTF-8


class _Packed(NamedTuple):
    """The concatenated texts in UTF-8, each followed by `END`, so that a prefix is compared with all at once."""

    contacts: NDArray[np.uint32]
    begins: NDArray[np.int64]
    characters: NDArray[np.uint8]


class UnindexedTexts:
    """At most one text per contact, in the form for comparison."""

    __slots__ = ("_packed", "by_contact")

    def __init__(self, by_contact: Mapping[int, str] | None = None) -> None:
        self.by_contact: dict[int, str] = dict(by_contact or {})
        self._packed: _Packed | None = None

    def put(self, contacts: Iterable[int], text: str) -> None:
        """Set the text of contacts, replacing earlier ones."""
        self.by_contact.update(dict.fromkeys(contacts, text))
        self._packed = None

    def remove(self, contacts: Iterable[int]) -> None:
        """Remove the texts of contacts."""
        if not self.by_contact:
            return
        for contact in contacts:
            if self.by_contact.pop(contact, None) is not None:
                self._packed = None

    def pack(self) -> bool:
        """Build the array that `starting` scans; return False if it exists already."""
        if self._packed is not None:
            return False
        texts = [text.encode("utf-8", "surrogatepass") for text in self.by_contact.values()]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        begins = np.cumsum(lengths + len(END)) - lengths - len(END)
        characters = np.frombuffer(END.join((*texts, b"")), np.uint8)
        self._packed = _Packed(np.fromiter(self.by_contact, np.uint32, len(texts)), begins, characters)
        return True

    def any_of(self, texts: Collection[str], within: BitMap | None) -> BitMap:
        """Return the contacts that have one of the texts. Look-ups in `texts` must be fast."""
        candidates = self._candidates(within)
        # A Python loop over a million texts would take twice as long as functions in C.
        return BitMap(list(compress(candidates, map(texts.__contains__, candidates.values()))))

    def starting(self, prefix: str, within: BitMap | None) -> BitMap:
        """Return the contacts that have a text that starts with `prefix`."""
        candidates = self._candidates(within)
        if candidates is not self.by_contact:
            return BitMap([contact for contact, text in candidates.items() if text.startswith(prefix)])
        self.pack()
        assert self._packed is not None
        contacts, begins, characters = self._packed
        for distance, character in enumerate(prefix.encode("utf-8", "surrogatepass")):
            # The remaining texts match so far, so the END of a shorter text is never passed.
            same = characters[begins + distance] == character
            contacts, begins = contacts[same], begins[same]
        return BitMap(contacts)

    def _candidates(self, within: BitMap | None) -> Mapping[int, str]:
        if within is None or len(within) >= len(self.by_contact):
            return self.by_contact
        return {contact: self.by_contact[contact] for contact in within if contact in self.by_contact}
