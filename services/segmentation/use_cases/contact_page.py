"""A page of contacts, from the answers of slices."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Ids of contacts, ascending, and their total number."""

    contact_ids: list[int]
    total: int

    @classmethod
    def of(cls, answers: Collection[Any], limit: int) -> Self:
        """Merge the answers of slices, each of which has the first contacts of the slice, into a page of `limit`."""
        contact_ids = sorted(contact_id for answer in answers for contact_id in answer["contact_ids"])
        return cls(contact_ids[:limit], sum(answer["count"] for answer in answers))
